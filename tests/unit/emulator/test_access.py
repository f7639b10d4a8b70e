import pytest

from emulator.config import EmulatorConfig
from emulator.wire.access import Access
from emulator.wire.refusals import Refusal

KEY, TOKEN = {b"api-key": b"k"}, {b"authorization": b"Bearer t"}
BEARER_KEY = {b"authorization": b"Bearer k"}


def passes(access: Access, headers) -> bool:
    try:
        access.check(headers)
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        pytest.param("openai", (False, True, True), id="openai takes bearers only"),
        pytest.param("azure_v1", (True, True, True), id="v1 takes all three"),
        pytest.param("azure", (True, True, False), id="dated takes tokens as bearer only"),
    ],
)
def test_profile_takes_only_its_own_kinds_of_credentials(profile, expected):
    access = Access(EmulatorConfig(profile=profile, keys=("k",), tokens=("t",)))

    assert (passes(access, KEY), passes(access, TOKEN), passes(access, BEARER_KEY)) == expected


def test_wrong_and_missing_keys_are_refused():
    access = Access(EmulatorConfig(profile="azure_v1", keys=("k",)))

    assert not passes(access, {b"api-key": b"other"})
    assert not passes(access, {})


def test_without_configured_keys_everybody_passes_until_all_is_revoked():
    access = Access(EmulatorConfig())
    assert passes(access, {})

    access.revoke(None)
    assert not passes(access, {})

    access.restore()
    assert passes(access, {})


def test_one_revoked_key_leaves_the_others():
    access = Access(EmulatorConfig(profile="azure", keys=("k", "l")))
    access.revoke(["k"])

    assert not passes(access, KEY)
    assert passes(access, {b"api-key": b"l"})


def test_refusal_never_repeats_the_key():
    with pytest.raises(Refusal) as caught:
        Access(EmulatorConfig(keys=("k",))).check({b"authorization": b"Bearer sk-secret-thing"})

    assert caught.value.status == 401
    assert "secret" not in str(caught.value.error)
