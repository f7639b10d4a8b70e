import pytest

from producer.prompting.ladder import resolved, rung_of
from schemas.study import Arm
from tests.support.plans import make_model, make_study

ASKS = {"model": "mini", "strategy": "probabilities"}
LIMIT = {"max_completion_tokens": 64}


@pytest.mark.parametrize(
    ("model", "parameters", "strategy"),
    [
        pytest.param({}, {}, "logprobs", id="chat"),
        pytest.param({"family": "reasoning", "parameters": LIMIT}, {}, "repeats", id="reasoning"),
        pytest.param({"probabilities": "repeats"}, {}, "stated", id="repeats at temperature 0"),
        pytest.param({"probabilities": "repeats"}, {"temperature": 1}, "repeats", id="repeats at temperature 1"),
        pytest.param({"probabilities": "stated"}, {}, "stated", id="as the models file says"),
        pytest.param({"family": "reasoning", "probabilities": "stated"}, {}, "stated", id="costly reasoning"),
    ],
)
def test_first_rung_is_what_the_model_allows(model, parameters, strategy):
    assert rung_of(make_model(**model), Arm(**ASKS, parameters=parameters)).strategy == strategy


def test_study_holds_the_chosen_strategy_and_keeps_other_arms():
    study = make_study(arms={"p": ASKS, "basic": {"model": "mini", "strategy": "basic"}})

    found = resolved(study, {"mini": make_model(probabilities="stated")})

    assert {name: arm.strategy for name, arm in found.arms.items()} == {"p": "stated", "basic": "basic"}
    assert resolved(found, {}) is found
