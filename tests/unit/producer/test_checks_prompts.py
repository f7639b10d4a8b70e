import pytest

from producer.checks.prompts import prompt_problems
from schemas.yaml_source import read_yaml
from tests.support.plans import make_study

SOURCE = read_yaml("study: small\n", "study.yaml")
TWO_TURNS = "[user]\nWho?\n[answer]\n[user]\n{{ question }}\n"


def found(tmp_path, text: str = "{{ question }}", **arm: object) -> list[str]:
    (tmp_path / "p.j2").write_text(text)
    persona = {"fields": ["AGE"], "templates": {"short": "s.j2"}}
    study = make_study(persona=persona, arms={"a": {"model": "mini", "strategy": "basic", **arm}})
    return [problem.code for problem in prompt_problems(study, SOURCE, tmp_path)]


@pytest.mark.parametrize(
    ("arm", "codes"),
    [
        pytest.param({}, [], id="plain"),
        pytest.param({"persona": "short", "layout": "question_first"}, [], id="template and layout"),
        pytest.param({"persona": "shrt"}, ["unknown_template"], id="no such template"),
        pytest.param({"persona": "short", "layout": "interview"}, ["no_effect"], id="template of an interview"),
        pytest.param(
            {"strategy": "few_shot", "layout": "interview"}, ["layout_not_for_strategy"], id="interview with examples"
        ),
        pytest.param(
            {"strategy": "chain_of_thought", "stages": 3, "layout": "question_first"}, ["no_effect"], id="stages"
        ),
        pytest.param(
            {"strategy": "chain_of_thought", "stages": 3, "permutations": 2},
            ["turns_and_orders"],
            id="orders of stages",
        ),
        pytest.param({"permutations": 2}, [], id="orders"),
    ],
)
def test_layouts_and_turns_that_do_not_go_together_are_told(tmp_path, arm, codes):
    assert found(tmp_path, **arm) == codes


@pytest.mark.parametrize(
    ("text", "more", "codes"),
    [
        pytest.param(TWO_TURNS, {}, [], id="two turns"),
        pytest.param(TWO_TURNS, {"permutations": 2}, ["turns_and_orders"], id="two turns in two orders"),
        pytest.param(TWO_TURNS, {"transport": "batch"}, [], id="two turns in batches"),
        pytest.param("{{ question }}", {"permutations": 2}, [], id="one turn in two orders"),
        pytest.param("{{ age }}", {}, ["unknown_name"], id="unknown name"),
        pytest.param(
            TWO_TURNS,
            {"transport": "batch", "deadline": "06:30 UTC"},
            ["deadline_with_turns"],
            id="two turns by a deadline",
        ),
    ],
)
def test_own_prompt_is_checked_with_its_arm(tmp_path, text, more, codes):
    assert found(tmp_path, text, strategy="template", prompt="p.j2", **more) == codes


def test_missing_prompt_file_is_told(tmp_path):
    assert len(found(tmp_path, strategy="template", prompt="q.j2")) == 1
