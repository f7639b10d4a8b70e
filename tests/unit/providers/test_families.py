import pytest

from providers.families import is_deterministic, output_limit_tokens, problems, wire_parameters

LIMIT = {"max_completion_tokens": 8}


def codes(family: str, parameters: dict, level: str = "error") -> list[str]:
    return [problem.code for problem in problems(family, parameters) if problem.level == level]


@pytest.mark.parametrize(
    ("family", "parameters", "expected"),
    [
        pytest.param("chat", {"temperature": 0, **LIMIT}, [], id="chat"),
        pytest.param("chat", {"max_tokens": 8}, [], id="chat-old-limit"),
        pytest.param("chat", {"logprobs": True, "top_logprobs": 20, "stop": ["x"], **LIMIT}, [], id="chat-all"),
        pytest.param("chat", {"reasoning_effort": "low", **LIMIT}, ["unsupported_parameter"], id="chat-effort"),
        pytest.param("chat", {"max_tokens": 8, **LIMIT}, ["two_limits"], id="two-limits"),
        pytest.param("chat", {"temperature": 2.1, **LIMIT}, ["unsupported_value"], id="hot"),
        pytest.param("chat", {"temperature": True, **LIMIT}, ["unsupported_value"], id="boolean-temperature"),
        pytest.param("chat", {"temperature": "0", **LIMIT}, ["unsupported_value"], id="text-temperature"),
        pytest.param("chat", {"temperature": float("nan"), **LIMIT}, ["unsupported_value"], id="nan"),
        pytest.param("chat", {"max_completion_tokens": 0}, ["unsupported_value"], id="no-tokens"),
        pytest.param("chat", {"max_completion_tokens": 8.0}, ["unsupported_value"], id="fraction"),
        pytest.param("chat", {"top_logprobs": 5, **LIMIT}, ["needs_logprobs"], id="lone-top-logprobs"),
        pytest.param("chat", {"logprobs": True, "top_logprobs": 21, **LIMIT}, ["unsupported_value"], id="21-logprobs"),
        pytest.param("chat", {"logprobs": 5, **LIMIT}, ["unsupported_value"], id="logprobs-number"),
        pytest.param("chat", {"n": 3, **LIMIT}, ["unsupported_value"], id="three-answers"),
        pytest.param("chat", {"n": 1, **LIMIT}, [], id="one-answer"),
        pytest.param("chat", {"messages": [], **LIMIT}, ["reserved_parameter"], id="messages"),
        pytest.param("chat", {"stream": False, **LIMIT}, ["reserved_parameter"], id="stream"),
        pytest.param("chat", {"temperature": None, **LIMIT}, [], id="null-is-not-sent"),
        pytest.param("reasoning", {"reasoning_effort": "minimal", "verbosity": "low", **LIMIT}, [], id="reasoning"),
        pytest.param("reasoning", {"reasoning_effort": "lots", **LIMIT}, ["unsupported_value"], id="bad-effort"),
        pytest.param("reasoning", {"max_tokens": 8}, ["unsupported_parameter"], id="reasoning-max-tokens"),
        pytest.param("completion", {"max_tokens": 8, "seed": 1, "stop": "#"}, [], id="completion"),
        pytest.param("completion", {"max_tokens": 8, "logprobs": True, "top_logprobs": 5}, [], id="alternatives"),
        pytest.param(
            "completion", {"max_tokens": 8, "logprobs": True, "top_logprobs": 21}, ["unsupported_value"], id="too-many"
        ),
        pytest.param("completion", {"prompt": "x", "max_tokens": 8}, ["reserved_parameter"], id="prompt"),
        *(
            pytest.param("completion", {name: value, "max_tokens": 8}, ["unsupported_parameter"], id=f"prompt-{name}")
            for name, value in {
                "max_completion_tokens": 8, "response_format": {}, "reasoning_effort": "low", "tools": [], "echo": True,
                "suffix": "x", "best_of": 2,
            }.items()
        ),
        *(
            pytest.param("reasoning", {name: value, **LIMIT}, ["unsupported_parameter"], id=f"reasoning-{name}")
            for name, value in {
                "temperature": 0, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {},
                "logprobs": True, "top_logprobs": 5,
            }.items()
        ),
    ],
)  # fmt: skip
def test_parameters_are_held_to_the_family(family, parameters, expected):
    assert codes(family, parameters) == expected


@pytest.mark.parametrize(
    ("family", "parameters", "expected"),
    [
        pytest.param("chat", {"temperature": 0}, ["no_token_limit"], id="no-limit"),
        pytest.param("chat", {"temprature": 0, **LIMIT}, ["unknown_parameter"], id="typing-error"),
        pytest.param("chat", {"top_k": 5, **LIMIT}, ["unknown_parameter"], id="other-servers"),
        pytest.param("reasoning", {"stop": ["x"], **LIMIT}, ["doubtful_parameter"], id="stop"),
        pytest.param("completion", {"temperature": 0}, ["no_token_limit"], id="completion-no-limit"),
        pytest.param("completion", {"topp": 1, "max_tokens": 8}, ["unknown_parameter"], id="completion-typing-error"),
        pytest.param(
            "completion", {"max_tokens": 8, "logprobs": True, "top_logprobs": 20}, ["doubtful_parameter"], id="twenty"
        ),
    ],
)
def test_doubtful_parameters_are_warned_about(family, parameters, expected):
    assert codes(family, parameters, "warning") == expected
    assert codes(family, parameters) == []


def test_a_typing_error_is_told_with_the_nearest_name_and_place():
    (problem,) = problems("chat", {"temprature": 0, **LIMIT}, where="models.yaml:7")

    assert (problem.where, problem.hint) == ("models.yaml:7", "Did you mean `temperature`?")


def test_wire_parameters_keep_names_and_drop_nulls():
    given = {"max_tokens": 8, "temperature": 0, "seed": None, "stop": ""}

    assert wire_parameters("reasoning", given) == {"max_tokens": 8, "temperature": 0, "stop": ""}


@pytest.mark.parametrize(
    ("family", "parameters", "expected"),
    [
        ("chat", {"temperature": 0}, True),
        ("chat", {"temperature": 0.0}, True),
        ("chat", {"temperature": 1e-9}, False),
        ("chat", {"temperature": False}, False),
        ("chat", {"temperature": None}, False),
        ("chat", {"seed": 1}, False),
        ("reasoning", {"temperature": 0}, False),
        ("completion", {"temperature": 0}, True),
    ],
)
def test_only_a_model_at_zero_that_does_not_reason_is_deterministic(family, parameters, expected):
    assert is_deterministic(family, parameters) is expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({"max_completion_tokens": 8}, 8), ({"max_tokens": 9}, 9), ({"max_tokens": None}, None), ({}, None)],
)
def test_output_limit_is_found_under_both_names(parameters, expected):
    assert output_limit_tokens(parameters) == expected


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"max_tokens": 8}, {"stop": " END", "max_tokens": 8}),
        ({"logprobs": True, "top_logprobs": 3}, {"stop": " END", "logprobs": 3}),
        ({"logprobs": True}, {"stop": " END", "logprobs": 5}),
        ({"logprobs": False, "top_logprobs": 3, "stop": "#"}, {"stop": "#"}),
    ],
)
def test_completion_gets_its_stop_mark_and_its_spelling_of_logprobs_once(given, sent):
    assert wire_parameters("completion", given) == sent
    assert wire_parameters("completion", sent) == sent
