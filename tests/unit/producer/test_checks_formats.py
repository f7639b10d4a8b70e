"""Answer formats and option orders that do not go together are refused by name."""

import pytest

from producer.check import check
from tests.support.kinds_study import QUESTIONS, write_kinds_study

LONG = "{text: Where?, answers: {" + ", ".join(f"{code}: Place {code}" for code in range(1, 30)) + "}}"


def codes_of(folder, arm, level="error"):
    path = write_kinds_study(folder, "http://127.0.0.1:9/v1", arms={"a": arm})
    return {p.code for p in check(path, environ={}).problems if p.level == level}


@pytest.mark.parametrize(
    ("arm", "code"),
    [
        pytest.param("strategy: basic, permutations: rotate, shuffle_options: true", "orders_together", id="both"),
        pytest.param("strategy: basic, reverse_options: true, shuffle_options: true", "orders_together", id="reverse"),
        pytest.param(
            "strategy: repeats, permutations: 2, questions: [NEWS], parameters: {temperature: 1}",
            "orders_together",
            id="samples",
        ),
        pytest.param("strategy: chain_of_thought, stages: 3, permutations: 2", "orders_together", id="stages"),
        pytest.param("strategy: few_shot, questions: [WORRY]", "few_shot_open", id="own words of others"),
        pytest.param("strategy: logprobs, format: json, questions: [NEWS]", "format_not_for_strategy", id="logprobs"),
        pytest.param("strategy: basic, parameters: {response_format: {}}", "reserved_parameter", id="by hand"),
    ],
)
def test_combination_is_refused_by_name(tmp_path, arm, code):
    assert code in codes_of(tmp_path, arm)


@pytest.mark.parametrize(
    ("arm", "code"),
    [
        pytest.param("strategy: basic, shuffle_options: true, questions: [MOOD]", "scale_shuffled", id="scale"),
        pytest.param("strategy: basic, permutations: 2, questions: [MOOD]", "orders_uneven", id="two of three"),
        pytest.param("strategy: basic, permutations: 2, questions: [HOURS]", "no_effect", id="no options"),
        pytest.param(
            "strategy: basic, format: json, parameters: {max_completion_tokens: 3}, questions: [NEWS]",
            "output_limit_low",
            id="limit",
        ),
    ],
)
def test_doubtful_combination_is_a_warning(tmp_path, arm, code):
    assert codes_of(tmp_path, arm) == set()
    assert code in codes_of(tmp_path, arm, "warning")


@pytest.mark.parametrize(
    ("question", "arm", "code"),
    [
        pytest.param(LONG, "format: letter", "format_too_many_options", id="letters"),
        pytest.param(
            "{text: Where?, answers: {1: Here, 2: HERE, 3: No}}", "format: label", "format_labels_alike", id="alike"
        ),
        pytest.param(
            '{kind: select_all, one_task: true, text: Which?, items: {PT1: "a; b", PT2: c}}',
            "format: label",
            "format_label_in_list",
            id="semicolon",
        ),
    ],
)
def test_options_that_a_format_cannot_tell_apart_are_refused(tmp_path, monkeypatch, question, arm, code):
    monkeypatch.setitem(QUESTIONS, "NEWS", question)

    assert code in codes_of(tmp_path, f"strategy: basic, {arm}")


@pytest.mark.parametrize(
    ("question", "told"),
    [
        pytest.param("{kind: numeric, text: How?}", "needs `minimum` and `maximum`", id="no bounds"),
        pytest.param("{text: How?, minimum: 1, answers: {1: a, 2: b}}", "`minimum` has a meaning for", id="key"),
        pytest.param("{kind: grid, text: How?}", "needs `items`", id="no items"),
        pytest.param("{kind: open, scale: ordinal}", "`scale` has a meaning for", id="scale of words"),
        pytest.param("{kind: numeric, minimum: 0, maximum: 9, bins: [3, 3]}", "`bins` must list", id="bins twice"),
        pytest.param("{kind: grid, text: a, items: {MOOD: a}}", "is a question of the study already", id="item twice"),
        pytest.param("{asked_if: NETT == 1, answers: {1: a, 2: b, 3: c}}", "`NETT`", id="unknown in a rule"),
        pytest.param("{asked_if: NET ==, answers: {1: a, 2: b, 3: c}}", "cannot be read", id="broken rule"),
        pytest.param("{text: a, answers: {1: a, 2: b, 3: c}, forms: {by: FROM, texts: {1: a}}}", "FROM", id="form"),
        pytest.param("{kind: numeric, minimum: 2, maximum: 9}", "answered outside", id="out of bounds"),
        pytest.param("{kind: open}", "own words", id="codes as words"),
        pytest.param("{kind: select_all, text: a, items: {PT1: a, PT7: b}}", "PT7", id="unknown item"),
        pytest.param("{answers: {1: a, 2: b, 3: c}, text: a, fixed_last: [9]}", "fixed_last", id="fixed code"),
    ],
)
def test_question_that_does_not_fit_is_told_with_its_name(tmp_path, monkeypatch, question, told):
    monkeypatch.setitem(QUESTIONS, "NEWS", question)
    path = write_kinds_study(tmp_path, "http://127.0.0.1:9/v1", arms={"a": "strategy: basic"})

    assert any(told in problem for problem in problems_of(path))


def problems_of(path):
    """All errors, whether the study has a readable shape or not."""
    from schemas.errors import StudyError

    try:
        return [p.what for p in check(path, environ={}).errors]
    except StudyError as e:
        return [p.what for p in e.problems]
