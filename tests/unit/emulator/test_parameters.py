import pytest

from emulator.wire.parameters import read_order
from emulator.wire.refusals import Refusal

MESSAGES = [{"role": "user", "content": "Hi"}]
BOTH_LIMITS = {"max_tokens": 1, "max_completion_tokens": 1}


@pytest.mark.parametrize(
    ("family", "model", "body", "param", "code"),
    [
        ("chat", "gpt-4.1", {"temperature": 2.5}, "temperature", "decimal_above_max_value"),
        ("chat", "gpt-4.1", {"temperature": "hot"}, "temperature", "invalid_type"),
        ("chat", "gpt-4.1", {"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ("chat", "gpt-4.1", {"n": 9}, "n", "integer_above_max_value"),
        ("chat", "gpt-4.1", {"messages": []}, "messages", "invalid_type"),
        ("chat", "gpt-4.1", {"messages": None}, "messages", "missing_required_parameter"),
        ("chat", "gpt-4.1", {"messages": ["x"]}, "messages[0]", "missing_required_parameter"),
        ("chat", "gpt-4.1", {"stream": True}, "stream", "unsupported_value"),
        ("chat", "gpt-4.1", {"tools": [{}]}, "tools", "unsupported_parameter"),
        ("chat", "gpt-4.1", {"reasoning_effort": "low"}, None, None),
        ("chat", "gpt-4.1", BOTH_LIMITS, "max_tokens", "invalid_parameter_combination"),
        ("reasoning", "o4-mini", {"temperature": 0}, "temperature", "unsupported_parameter"),
        ("reasoning", "o4-mini", {"top_p": 1}, "top_p", "unsupported_parameter"),
        ("reasoning", "o4-mini", {"logprobs": True}, "logprobs", "unsupported_parameter"),
        ("reasoning", "o4-mini", {"reasoning_effort": "huge"}, "reasoning_effort", "unsupported_value"),
        ("reasoning", "gpt-5", {"stop": ["x"]}, "stop", "unsupported_parameter"),
    ],
)  # fmt: skip
def test_wrong_parameter_is_turned_away_as_the_service_does(family, model, body, param, code):
    with pytest.raises(Refusal) as caught:
        read_order({"messages": MESSAGES} | body, family, model)

    assert caught.value.status == 400
    assert (caught.value.error["param"], caught.value.error["code"]) == (param, code)


def test_max_tokens_on_a_reasoning_model_names_the_other_parameter():
    with pytest.raises(Refusal) as caught:
        read_order({"messages": MESSAGES, "max_tokens": 5}, "reasoning", "o4-mini")

    assert caught.value.error == {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }


def test_zero_temperature_and_missing_values_are_kept_apart():
    assert read_order({"messages": MESSAGES, "temperature": 0}, "chat", "m").temperature == 0.0
    assert read_order({"messages": MESSAGES}, "chat", "m").temperature == 1.0
    assert read_order({"messages": MESSAGES}, "chat", "m").max_tokens is None
