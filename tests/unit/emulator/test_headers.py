import pytest

from emulator.config import EmulatorConfig
from emulator.quota import Limits, QuotaPool
from emulator.wire.headers import client_id, hint, rates
from emulator.wire.refusals import duration


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        ("none", {}),
        ("both", {"retry-after": "2", "retry-after-ms": "1201"}),
        ("milliseconds", {"retry-after-ms": "1201"}),
        ("seconds", {"retry-after": "2"}),
    ],
)
def test_hint_is_sent_as_switched_and_never_too_short(switch, expected):
    assert hint(EmulatorConfig(retry_hint=switch), 1.2001) == expected


def test_no_hint_where_no_wait_helps():
    assert hint(EmulatorConfig(), None) == {}


@pytest.mark.parametrize(
    ("profile", "switch", "expected"),
    [
        ("openai", None, {"limit": "60", "remaining": "59", "reset": "1m0s"}),
        ("azure_v1", None, {"remaining": "59"}),
        ("azure", "all", {"limit": "60", "remaining": "59", "reset": "60"}),
        ("azure", "none", {}),
    ],
)
def test_rate_headers_by_profile_and_switch(profile, switch, expected):
    pool = QuotaPool(Limits(rpm=60))
    pool.arrive(prompt_tokens=1, max_tokens=1, now_s=0.0)

    shown = rates(EmulatorConfig(profile=profile, rate_headers=switch), pool, 0.0)

    assert shown == {f"x-ratelimit-{name}-requests": value for name, value in expected.items()}


@pytest.mark.parametrize(("seconds", "text"), [(0.0165, "17ms"), (1.2, "1.2s"), (6.0, "6s"), (360, "6m0s")])
def test_durations_read_as_the_service_writes_them(seconds, text):
    assert duration(seconds) == text


def test_client_id_prefers_our_header_over_microsofts():
    both = [(b"x-ms-client-request-id", b"theirs"), (b"x-client-request-id", b"ours")]

    assert client_id(both) == "ours"
    assert client_id(both[:1]) == "theirs"
    assert client_id([]) == ""
