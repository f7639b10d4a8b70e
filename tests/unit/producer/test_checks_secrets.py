import pytest

from producer.check import check
from schemas.errors import StudyError
from tests.support.small_study import MODELS, STUDY, write_study

KEY = "sk-abcdefghijklmnopqrstuvwx"
HEX = "0123456789abcdef0123456789abcdef"


def told(folder, **parts):
    """(place, text) of every problem, however the check ends."""
    try:
        found = check(write_study(folder, **parts), None, environ={}).problems
    except StudyError as e:
        found = e.problems
    return [(p.code, p.where.partition(" ")[0], f"{p} {p!r}") for p in found]


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        pytest.param(
            {"models": MODELS.replace("auth: none", f"auth: none, api_key: {KEY}")}, "models.yaml:8", id="api_key"
        ),
        pytest.param(
            {"models": MODELS.replace("auth: none", f"api_key_env: {KEY}")},
            "models.yaml:8",
            id="in-place-of-the-variable",
        ),
        pytest.param({"models": MODELS.replace("here,", f"{HEX},")}, "models.yaml:8", id="hex-in-a-name"),
        pytest.param(
            {"models": MODELS.replace("127.0.0.1:9/v1", f"127.0.0.1:9/v1?api-key={KEY}")},
            "models.yaml:8",
            id="in-an-address",
        ),
        pytest.param({"study": STUDY + f"api_key: {KEY}\n"}, "study.yaml:17", id="in-the-study"),
        pytest.param({"study": STUDY.replace("600}", f"600, user: {HEX}}}")}, "study.yaml:15", id="in-parameters"),
    ],
)
def test_secret_in_a_file_is_an_error_that_never_shows_it(tmp_path, parts, place):
    found = told(tmp_path, **parts)

    assert ("secret_in_file", place) in [(code, where) for code, where, _ in found]
    assert all(KEY not in text and HEX not in text for _, _, text in found)


def test_secret_is_told_although_the_file_has_no_readable_shape(tmp_path):
    found = told(tmp_path, study=STUDY.replace("survey:", "surwey:"), models=MODELS + f"secret: {KEY}\n")

    assert ("secret_in_file", "models.yaml:9") in [(code, where) for code, where, _ in found]
    assert all(KEY not in text for _, _, text in found)
