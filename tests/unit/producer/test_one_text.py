"""Arms of completion models: prompts as one text, the text that training files have."""

import json

import pytest

from producer.check import check
from producer.plan import inputs_of
from producer.prompting.prompt_preview import preview
from providers.tokens import TokenCounter
from schemas.completion_form import SEPARATOR, as_prompt
from schemas.errors import StudyError
from tests.support.small_study import MODELS, STUDY, write_study

ARMS = STUDY.split("arms:")[0] + "arms:\n"
OLD = """\
  old:
    provider: openai
    model: babbage-002
    family: completion
    parameters: {temperature: 0, max_tokens: 8}
    price: {input: 0.40, output: 0.40}
    deployments:
      - {name: here, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 600, tpm: 60_000}
"""


def checked_study(folder, arms: str, **texts: str):
    path = write_study(folder, study=ARMS + arms, models=MODELS + OLD)
    for name, text in texts.items():
        (folder / f"{name}.j2").write_text(text, encoding="utf-8")
    return check(path, environ={})


@pytest.mark.parametrize("strategy", ["basic", "few_shot, examples: 2", "logprobs", "chain_of_thought"])
def test_prompt_is_the_chats_conversation_in_the_training_form(tmp_path, strategy):
    checked = checked_study(
        tmp_path, f"  chat: {{model: mini, strategy: {strategy}}}\n  old: {{model: old, strategy: {strategy}}}\n"
    )
    # few_shot draws its examples by the name of the arm: the same people are shown under one name only
    chat = preview(checked, respondent_id="101", question_id="MOOD", arm="chat")
    old = preview(checked, respondent_id="101", question_id="MOOD", arm="old")

    (said,) = old.messages
    assert said["role"] == "prompt"
    assert said["content"].endswith(SEPARATOR)
    assert said["content"].count(SEPARATOR) == 1
    if "few_shot" in strategy:
        assert said["content"].count("\n\nAnswer: ") == 2
    else:
        assert said["content"] == as_prompt(chat.messages)
    assert old.request_id != chat.request_id


def test_tokens_are_those_of_the_text_alone(tmp_path):
    checked = checked_study(tmp_path, "  old: {model: old, strategy: basic}\n")

    old = preview(checked, respondent_id="101", question_id="MOOD", arm="old")

    counted = TokenCounter("babbage-002").count(old.messages[0]["content"])
    assert old.prompt_tokens == counted
    assert abs(old.planned_tokens - counted) <= 4


def test_parameters_have_the_stop_mark_and_five_alternatives(tmp_path):
    arms = "  p: {model: old, strategy: logprobs}\n  own: {model: old, strategy: logprobs, parameters: {stop: '##'}}\n"
    checked = checked_study(tmp_path, arms)

    shown = [preview(checked, respondent_id="101", question_id="MOOD", arm=arm).parameters for arm in ("p", "own")]

    assert shown[0] == {"temperature": 0, "max_tokens": 8, "logprobs": 5, "stop": " END"}
    assert shown[1]["stop"] == "##"
    assert not checked.errors


def test_probabilities_of_a_completion_model_are_logprobs(tmp_path):
    checked = checked_study(tmp_path, "  p: {model: old, strategy: probabilities}\n")

    assert checked.study.arms["p"].strategy == "logprobs"
    assert any("completion models report them" in problem.what for problem in checked.problems)


@pytest.mark.parametrize(
    ("arm", "named"),
    [
        ("strategy: chain_of_thought, stages: 3", "`stages: 3`"),
        ("strategy: stated", "`strategy: stated`"),
        ("strategy: basic, format: json", "`format: json`"),
        ("strategy: basic, memory: true", "`memory: true`"),
    ],
)
def test_what_needs_a_chat_is_refused_by_name(tmp_path, arm, named):
    checked = checked_study(tmp_path, f"  a: {{model: old, {arm}}}\n")

    (found,) = [problem for problem in checked.errors if problem.code == "needs_chat"]
    assert found.what.startswith(named)
    assert "few_shot" in found.hint


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [("max_completion_tokens: 5", "max_tokens"), ("echo: true", "answer"), ("reasoning_effort: low", "Remove")],
)
def test_parameter_that_completions_do_not_take_is_refused(tmp_path, parameters, hint):
    checked = checked_study(tmp_path, f"  a: {{model: old, strategy: basic, parameters: {{{parameters}}}}}\n")

    assert any(hint in problem.hint for problem in checked.errors)


def test_more_alternatives_than_the_services_report_are_warned_of(tmp_path):
    checked = checked_study(tmp_path, "  a: {model: old, strategy: logprobs, parameters: {top_logprobs: 20}}\n")

    shown = preview(checked, respondent_id="101", question_id="MOOD", arm="a").parameters
    assert shown["logprobs"] == 20
    assert any("report 5 alternatives" in problem.what for problem in checked.problems)


def test_prompt_file_of_several_turns_is_refused(tmp_path):
    turns = "[user]\n{{ persona }}\nWho are you?\n[answer]\n[user]\n{{ question }}\n{{ instruction }}\n"
    checked = checked_study(tmp_path, "  a: {model: old, strategy: template, prompt: own.j2}\n", own=turns)
    inputs_of(checked)

    with pytest.raises(StudyError, match="several turns"):
        preview(checked, respondent_id="101", question_id="MOOD", arm="a")


def test_turns_of_the_plan_are_the_prompt_word_for_word(tmp_path):
    checked = checked_study(
        tmp_path, "  a: {model: old, strategy: repeats, repeats: 3, parameters: {temperature: 1}}\n"
    )

    shown = preview(checked, respondent_id="101", question_id="MOOD", arm="a")

    assert shown.later == [[], []]
    assert json.loads(json.dumps(shown.messages)) == [{"role": "prompt", "content": shown.messages[0]["content"]}]
