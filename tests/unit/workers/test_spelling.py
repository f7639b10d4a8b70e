import pytest

from schemas.errors import ServiceRefusedError, TransientModelError, UnsupportedParameterError
from schemas.models import Model
from workers.calls.spelling import Spelling

MODEL = Model.model_validate(
    {"provider": "openai", "model": "o4-mini", "deployments": [{"name": "d", "base_url": "https://x", "rpm": 1}]}
)


def refused(parameter: str, code: str = "unsupported_parameter") -> UnsupportedParameterError:
    return UnsupportedParameterError("No.", parameter=parameter, instead=None, code=code, http_status=400)


@pytest.mark.parametrize(
    ("old", "new"), [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")]
)
def test_other_name_of_the_token_limit_is_used_from_the_first_refusal_on(old, new):
    spelling, sent = Spelling(), {old: 8, "temperature": 0}

    again = spelling.after(refused(old), spelling.applied(sent), MODEL)

    assert isinstance(again, TransientModelError)
    assert spelling.applied(sent) == {new: 8, "temperature": 0}


def test_call_that_was_under_way_with_the_old_name_is_sent_again_too():
    spelling = Spelling()
    spelling.after(refused("max_tokens"), {"max_tokens": 8}, MODEL)

    assert isinstance(spelling.after(refused("max_tokens"), {"max_tokens": 8}, MODEL), TransientModelError)


def test_model_that_takes_neither_name_is_refused():
    spelling = Spelling()
    spelling.after(refused("max_tokens"), {"max_tokens": 8}, MODEL)

    end = spelling.after(refused("max_completion_tokens"), {"max_completion_tokens": 8}, MODEL)

    assert isinstance(end, ServiceRefusedError)


@pytest.mark.parametrize("code", ["unsupported_parameter", "unsupported_value"])
def test_any_other_parameter_stops_the_model_with_its_name_and_the_family(code):
    end = Spelling().after(refused("temperature", code), {"temperature": 0}, MODEL)

    assert isinstance(end, ServiceRefusedError)
    assert end.code == code
    assert "`temperature`" in end.hint
    assert "`family: reasoning`" in end.hint
