import pytest

from producer.cells import CellBuilder
from producer.prompting.personas import compile_template
from producer.prompting.pieces import plain
from producer.prompting.prompt_file import compile_prompt
from tests.support.plans import FIELDS, make_inputs

INTERVIEWED = {"model": "mini", "strategy": "basic", "layout": "interview"}
QUESTION_FIRST = {"model": "mini", "strategy": "basic", "layout": "question_first"}


def messages(position: int = 0, columns: dict | None = None, **arm: object) -> list[dict[str, str]]:
    inputs = make_inputs(n=6, arms={"a": arm}, columns=columns)
    _, prompts = CellBuilder(inputs).cell("a", "Q1").asks
    talk, _ = prompts.conversation(position, f"r{position:03d}")
    return plain(talk.first)


def test_question_first_puts_everything_that_respondents_share_before_the_persona():
    texts = [messages(position, **QUESTION_FIRST)[-1]["content"] for position in (0, 1)]

    assert all(text.startswith("Question: What do you think of Q1?\n1. Option 1 of Q1\n") for text in texts)
    assert texts[0].endswith("\n\nYou are 18 years old.\nYou live in a rural area.\n\n" + texts[0].rpartition("\n")[2])
    assert texts[0].rpartition("\n")[2] == "Answer with the number of one option only."


def test_interview_gives_each_field_as_an_answered_question():
    said = messages(**INTERVIEWED)

    assert [m["role"] for m in said] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [m["content"] for m in said[1:5]] == ["Question: Age", "18", "Question: Area", "rural"]
    assert "interviewed" in said[0]["content"]
    assert said[-1]["content"].startswith("Question: What do you think of Q1?")


def test_interview_leaves_out_what_the_respondent_did_not_answer():
    said = messages(columns={"AREA": [None] * 6}, **INTERVIEWED)

    assert [m["content"] for m in said[1:-1]] == ["Question: Age", "18"]


@pytest.mark.parametrize(("persona", "told"), [(None, "You are 18 years old."), ("short", "Aged 18.")])
def test_arm_takes_the_persona_template_that_it_names(persona, told):
    arm = {"model": "mini", "strategy": "basic", **({} if persona is None else {"persona": persona})}
    inputs = make_inputs(n=6, arms={"a": arm})
    inputs = type(inputs)(**{**vars(inputs), "templates": {"short": compile_template("Aged {{ AGE }}.", FIELDS, {})}})
    _, prompts = CellBuilder(inputs).cell("a", "Q1").asks

    assert plain(prompts.conversation(0, "r000")[0].first)[-1]["content"].startswith(told)


def test_own_prompt_is_filled_for_each_respondent_and_question():
    arm = {"model": "mini", "strategy": "template", "prompt": "p.j2"}
    inputs = make_inputs(n=6, arms={"a": arm})
    prompt = compile_prompt("[user]\n{{ persona }}\n[answer]\n[user]\n{{ question }} {{ instruction }}", where="p.j2")
    inputs = type(inputs)(**{**vars(inputs), "prompts": {"p.j2": prompt}})
    arm_of, prompts = CellBuilder(inputs).cell("a", "Q2").asks

    talk, _ = prompts.conversation(1, "r001")

    assert plain(talk.first) == [{"role": "user", "content": "You are 19 years old.\nYou live in a urban area."}]
    assert plain(talk.later[0].messages)[0]["content"].startswith("What do you think of Q2? Answer with the number")
    assert arm_of.completion.n_turns == 2
