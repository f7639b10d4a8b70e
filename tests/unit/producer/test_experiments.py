import pytest

from producer.experiments import crossed
from schemas.errors import StudyError
from schemas.yaml_source import read_yaml
from tests.support.plans import BASIC, make_study

SOURCE = read_yaml("study: small\nexperiment:\n  cross: {model: [a]}\n", "study.yaml")


def arms(**experiment: object) -> dict:
    return crossed(make_study(experiment=experiment), SOURCE).arms


def codes(**experiment: object) -> list[str]:
    with pytest.raises(StudyError) as caught:
        arms(**experiment)
    return [problem.code for problem in caught.value.problems]


def test_factors_become_arms_with_the_names_of_their_levels():
    made = arms(
        cross={"model": ["mini", "big"], "strategy": ["basic", "logprobs"], "persona": [None, "story"]},
        **{"with": {"respondents": "test"}},
    )

    assert list(made)[:3] == ["basic", "mini-basic-no_persona", "mini-basic-story"]
    assert len(made) == 9
    arm = made["big-logprobs-story"]
    assert (arm.model, arm.strategy, arm.persona, arm.respondents) == ("big", "logprobs", "story", "test")
    assert made["mini-basic-no_persona"].persona is None


def test_levels_may_be_named_and_reach_into_parameters():
    made = arms(
        cross={"parameters.temperature": {"cold": 0, "warm": 0.7}, "shuffle_options": [False, True]},
        **{"with": {"model": "mini", "strategy": "basic", "parameters": {"max_completion_tokens": 9}}},
    )

    assert list(made)[1:] == [
        "cold-no_shuffle_options", "cold-shuffle_options", "warm-no_shuffle_options", "warm-shuffle_options",
    ]  # fmt: skip
    assert made["warm-shuffle_options"].parameters == {"max_completion_tokens": 9, "temperature": 0.7}


def test_combinations_can_be_left_out():
    made = arms(
        cross={"model": ["mini", "o4"], "strategy": ["basic", "logprobs"]},
        leave_out=[{"model": "o4", "strategy": "logprobs"}],
    )

    assert list(made)[1:] == ["mini-basic", "mini-logprobs", "o4-basic"]


def test_study_without_arms_lives_by_its_experiment():
    study = make_study(arms={}, experiment={"cross": {"strategy": ["basic"]}, "with": {"model": "mini"}})

    assert list(crossed(study, SOURCE).arms) == ["basic"]


@pytest.mark.parametrize(
    ("experiment", "code"),
    [
        pytest.param({"cross": {"repeats": list(range(1, 30))}, "with": BASIC}, "too_many_arms", id="too many"),
        pytest.param({"cross": {"modle": ["mini"]}, "with": BASIC}, "unknown_factor", id="no such key"),
        pytest.param({"cross": {"strategy": ["basic"]}, "with": {"model": "mini"}}, "arm_name_taken", id="name taken"),
        pytest.param({"cross": {"strategy": ["sharp"]}, "with": {"model": "mini"}}, "wrong_value", id="no such level"),
        pytest.param({"cross": {"strategy": {"x" * 60: "basic"}}, "with": BASIC}, "arm_name_long", id="long name"),
        pytest.param(
            {"cross": {"strategy": ["basic"]}, "leave_out": [{"strategy": "basic"}]}, "no_arms", id="none left"
        ),
        pytest.param({"cross": {"model": ["???"]}, "with": BASIC}, "level_without_name", id="no name"),
    ],
)
def test_experiment_that_makes_no_sense_is_told(experiment, code):
    assert codes(**experiment) == [code]


def test_cap_of_arms_can_be_raised():
    made = arms(cross={"repeats": list(range(1, 30))}, max_arms=40, **{"with": BASIC})

    assert "repeats29" in made
