"""Advice by the size of a file: whether, with what settings, what to expect."""

from collections import Counter
from pathlib import Path

import pytest

from finetuning.checking.advice import Suggested, advice, suggested
from finetuning.checking.check_file import FileReport


def report(n: int, **changes: object) -> FileReport:
    found = FileReport(Path("t.jsonl"), n_lines=n, n_examples=n, n_tokens=100 * n, n_prompts=n)
    found.answers["Question: How?"] = Counter({"1": n - n // 3, "2": n // 3})
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def said(found: FileReport) -> str:
    return "\n".join(advice(found))


@pytest.mark.parametrize(
    ("n", "settings"),
    [
        pytest.param(10, Suggested(4, 1, 0.05), id="ten"),
        pytest.param(99, Suggested(4, 1, 0.05), id="few"),
        pytest.param(1_000, Suggested(3, 2, 0.05), id="a thousand"),
        pytest.param(9_999, Suggested(3, 20, 0.1), id="thousands"),
        pytest.param(20_000, Suggested(2, 40, 0.2), id="many"),
        pytest.param(1_000_000, Suggested(2, 256, 0.2), id="a million"),
    ],
)
def test_settings_follow_the_size_and_are_told(n: int, settings: Suggested) -> None:
    assert suggested(n) == settings
    text = said(report(n))
    assert f"Begin with {settings.n_epochs} epochs" in text
    assert f"batch size {settings.batch_size}, learning-rate multiplier {settings.learning_rate_multiplier}" in text


def test_settings_never_fall_back_when_a_file_grows() -> None:
    sizes = [suggested(n) for n in range(1, 200_000, 97)]

    assert [s.n_epochs for s in sizes] == sorted((s.n_epochs for s in sizes), reverse=True)
    assert [s.batch_size for s in sizes] == sorted(s.batch_size for s in sizes)
    assert [s.learning_rate_multiplier for s in sizes] == sorted(s.learning_rate_multiplier for s in sizes)


@pytest.mark.parametrize(
    ("n", "words"),
    [
        pytest.param(40, ("40 examples are few. Try a few-shot arm first", "hardly who answers what"), id="few"),
        pytest.param(500, ("a part of their shares",), id="hundreds"),
        pytest.param(5_000, ("some of the differences between groups", "46 %", "demographic logit"), id="thousands"),
        pytest.param(50_000, ("the larger groups",), id="many"),
    ],
)
def test_what_to_expect_is_told_by_size(n: int, words: tuple[str, ...]) -> None:
    text = said(report(n))

    assert all(word in text for word in words)
    assert "facts belong into the prompt" in text


def test_prompts_that_hardly_tell_people_apart_are_said() -> None:
    alike = said(report(900, n_ambiguous=30, noise_ceiling=0.67))
    apart = said(report(900, n_ambiguous=30, noise_ceiling=0.9))

    assert "commonest answer is right on 66.7%" in alike
    assert "hardly tell people apart" not in apart


def test_few_examples_a_question_and_too_many_tokens_are_said() -> None:
    thin = report(300)
    for n in range(9):
        thin.answers[f"Question {n}"] = Counter({"1": 10})

    assert "30 examples a question" in said(thin)
    assert "2,000,000,000 a job at most" in said(report(10_000, n_tokens=1_500_000_000))
    assert "a job at most" not in said(report(10_000))


def test_file_without_a_usable_line_gets_no_advice() -> None:
    assert advice(FileReport(Path("t.jsonl"))) == []
