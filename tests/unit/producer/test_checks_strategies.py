import pytest

from producer.checks.strategies import strategy_problems
from schemas.codebook import CodedVariable
from schemas.yaml_source import read_yaml
from tests.support.plans import make_model, make_question, make_study

SOURCE = read_yaml("study: small\n", "study.yaml")
REASONING = {"family": "reasoning", "parameters": {"max_completion_tokens": 64}}


def found(arm: dict, question: CodedVariable | None = None, **model: object) -> set[str]:
    study = make_study(arms={"a": {"model": "mini", **arm}})
    questions = {name: make_question(name) if question is None else question for name in study.questions}
    return {p.code for p in strategy_problems(study, SOURCE, {"mini": make_model(**model)}, questions)}


@pytest.mark.parametrize(
    ("arm", "model", "codes"),
    [
        pytest.param({"strategy": "logprobs"}, {}, set(), id="logprobs on chat"),
        pytest.param({"strategy": "logprobs"}, REASONING, {"unsupported_strategy"}, id="logprobs on reasoning"),
        pytest.param({"strategy": "repeats"}, {}, {"repeats_alike"}, id="samples at temperature 0"),
        pytest.param({"strategy": "repeats", "parameters": {"temperature": 1}}, {}, set(), id="samples"),
        pytest.param(
            {"strategy": "repeats", "parameters": {"temperature": 1, "seed": 3}}, {}, {"repeats_alike"}, id="one seed"
        ),
        pytest.param({"strategy": "basic", "repeats": 3}, {}, {"repeats_alike"}, id="repeats at temperature 0"),
        pytest.param({"strategy": "repeats"}, REASONING, set(), id="samples of a reasoning model"),
        pytest.param({"strategy": "logprobs", "format": "letter"}, {}, set(), id="letters"),
        pytest.param({"strategy": "logprobs", "format": "label"}, {}, {"format_not_for_strategy"}, id="labels"),
        pytest.param({"strategy": "stated", "format": "letter"}, {}, {"format_not_for_strategy"}, id="stated letters"),
        pytest.param(
            {"strategy": "logprobs", "parameters": {"top_logprobs": 2}},
            {},
            {"options_beyond_logprobs"},
            id="few tokens",
        ),
    ],
)
def test_strategies_go_with_what_model_and_parameters_allow(arm, model, codes):
    assert found(arm, **model) == codes


def test_question_without_single_options_is_refused_for_distributions():
    number = CodedVariable(name="Q1", kind="numeric", minimum=0, maximum=9)

    assert found({"strategy": "stated"}, number) == {"question_not_for_strategy"}
    assert found({"strategy": "basic"}, number) == set()


def test_codes_that_begin_alike_are_warned_of_for_first_tokens():
    long = make_question("Q1", 12)

    assert found({"strategy": "logprobs"}, long) == {"codes_of_several_tokens"}
    assert found({"strategy": "logprobs", "format": "letter"}, long) == set()
