import pytest

from producer.check import check
from tests.support.small_study import MODELS, STUDY, write_study

ARM = "basic: {model: mini, strategy: basic"


def problems(folder, *, arm="", model=None, family="chat"):
    study = STUDY.replace(ARM, f"{ARM}, parameters: {{{arm}}}")
    models = MODELS if model is None else MODELS.replace("temperature: 0, max_completion_tokens: 16", model)
    models = models.replace("model: gpt-4.1-mini\n", f"model: gpt-4.1-mini\n    family: {family}\n")
    return check(write_study(folder, study=study, models=models), None, environ={}).problems


@pytest.mark.parametrize(
    "given",
    ["stream: true", "response_format: {type: text}", "logprobs: true", "model: x", "messages: []", "tools: []"],
)
def test_reserved_parameter_is_refused_by_name(tmp_path, given):
    name = given.partition(":")[0]

    errors = [p for p in problems(tmp_path, arm=given) if p.level == "error"]

    assert [(p.code, p.where) for p in errors] == [
        ("reserved_parameter", f"study.yaml:14 (arms.basic.parameters.{name})")
    ]
    assert f"`{name}`" in errors[0].what


def test_more_than_one_choice_is_refused(tmp_path):
    errors = [p for p in problems(tmp_path, arm="n: 2") if p.level == "error"]

    assert [p.where for p in errors] == ["study.yaml:14 (arms.basic.parameters.n)"]


def test_one_choice_is_fine(tmp_path):
    assert problems(tmp_path, arm="n: 1") == []


def test_unknown_parameter_is_refused_with_the_nearest(tmp_path):
    (problem,) = problems(tmp_path, arm="temprature: 0.3")

    assert (problem.level, problem.code) == ("error", "unknown_parameter")
    assert "`temperature`" in problem.hint


@pytest.mark.parametrize("name", ["temperature: 0", "top_p: 0.5", "max_tokens: 16"])
def test_reasoning_model_refuses_what_chat_models_take(tmp_path, name):
    found = problems(tmp_path, model=f"{name}, max_completion_tokens: 2000", family="reasoning")

    errors = [p for p in found if p.level == "error"]
    assert errors
    assert {p.where.partition(" ")[0] for p in errors} == {"models.yaml:6"}


def test_parameter_of_the_model_is_told_in_the_models_file_and_only_once(tmp_path):
    found = problems(tmp_path, model="temprature: 0, max_completion_tokens: 16")

    assert [p.where for p in found] == ["models.yaml:6 (models.mini.parameters.temprature)"]


def test_missing_output_limit_is_a_warning(tmp_path):
    found = problems(tmp_path, model="temperature: 0")

    assert {(p.level, p.code) for p in found} == {("warning", "no_token_limit")}


def test_limit_below_what_a_strategy_takes_is_a_warning(tmp_path):
    study = STUDY.replace(", parameters: {max_completion_tokens: 600}", "")

    (problem,) = check(write_study(tmp_path, study=study), None, environ={}).problems

    assert (problem.level, problem.code) == ("warning", "output_limit_low")
    assert "16 tokens" in problem.what
