"""What most prompts or nearly all answers of a file share, with its size and what it means."""

import json
import random
from pathlib import Path

import pytest

from finetuning.checking.check_file import FileReport, check_file
from finetuning.checking.common_texts import SAMPLED, TextSample, shared_beginning
from finetuning.checking.file_lines import Example

INSTRUCTIONS = "Answer as the person would who is described below, and say nothing else at all. " * 3


def checked(folder: Path, lines: list[dict[str, object]]) -> FileReport:
    path = folder / "training.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return check_file(path, model="gpt-4.1-mini")


def chat(prompt: str, answer: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}


def older(prompt: str, answer: str) -> dict[str, object]:
    return {"prompt": prompt, "completion": answer}


def told(report: FileReport, prefix: str = "common") -> dict[str, str]:
    return {p.code: f"{p.level}: {p.what}" for p in report.problems if p.code.startswith(prefix)}


def test_beginning_of_the_prompts_is_told_with_characters_tokens_and_share(tmp_path: Path) -> None:
    report = checked(tmp_path, [chat(f"{INSTRUCTIONS}You are {n}.", str(1 + n % 2)) for n in range(40)])

    (code, what), *more = told(report).items()
    assert (code, more) == ("common_prompt_beginning", [])
    assert what.startswith(f"note: 100% of the prompts begin with the same {len(INSTRUCTIONS) + 8} characters (")
    assert "54 tokens each, about 82%" in what
    assert INSTRUCTIONS[:20] not in what


def test_beginning_that_only_most_prompts_have_is_told_with_their_share(tmp_path: Path) -> None:
    lines = [chat(f"{INSTRUCTIONS if n % 4 else ''}{n} is your age.", str(1 + n % 3 % 2)) for n in range(80)]

    assert "note: 75% of the prompts begin with the same 240 characters" in told(checked(tmp_path, lines)).popitem()[1]


def test_ending_of_the_prompts_is_told(tmp_path: Path) -> None:
    lines = [chat(f"{n} is your age. {INSTRUCTIONS}", str(1 + n % 2)) for n in range(40)]

    assert list(told(checked(tmp_path, lines))) == ["common_prompt_ending"]


@pytest.mark.parametrize(
    ("frame", "code", "level"),
    [
        pytest.param("My answer: {}", "common_answer_beginning", "warning", id="before"),
        pytest.param("{}. Thank you!", "common_answer_ending", "warning", id="behind"),
        pytest.param('{{"answer": {}}}', "common_answer_beginning", "note", id="JSON"),
    ],
)
def test_frame_around_the_answers_is_told(tmp_path: Path, frame: str, code: str, level: str) -> None:
    lines = [chat(f"{n} is your age.", frame.format(1 + n % 3)) for n in range(40)]

    found = told(checked(tmp_path, lines))

    assert list(found) == [code]
    assert found[code].startswith(f"{level}: 100% of the answers")


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(("Satisfied", "Dissatisfied", "Unsatisfied"), id="letters in common"),
        pytest.param(("Agree", "Agree strongly", "Agree a bit"), id="one is the beginning of the others"),
        pytest.param(("10", "11", "12"), id="codes"),
        pytest.param(("Yes, always", "Yes, always"), id="one answer"),
    ],
)
def test_labels_are_no_frame(tmp_path: Path, labels: tuple[str, ...]) -> None:
    lines = [chat(f"{n} is your age.", labels[n % len(labels)]) for n in range(40)]

    assert told(checked(tmp_path, lines)) == {}


def test_separator_of_ones_own_is_told_once_and_nightpolls_is_not(tmp_path: Path) -> None:
    own = checked(tmp_path, [older(f"{n} is your age ->", f" {1 + n % 3} END") for n in range(40)])
    ours = checked(tmp_path, [older(f"{n} is your age\n\n###\n\n", f" {1 + n % 3} END") for n in range(40)])

    assert "all prompts end in the same 15 characters" in told(own, "other")["other_separator"]
    assert told(ours, "other") == {}
    assert told(ours) == {}


def test_sample_is_as_large_as_it_may_be_and_repeatable() -> None:
    samples = [TextSample() for _ in range(2)]
    for sample in samples:
        for n in range(3 * SAMPLED):
            sample.offer(Example(n, (f"{n} {INSTRUCTIONS}",), "", str(n % 2), is_chat=True))

    one, other = (list(sample.problems("f", len, mean_tokens=100.0)) for sample in samples)

    assert one == other
    assert [p.code for p in one] == ["common_prompt_ending"]
    assert int(one[0].where.removeprefix("f:")) > 0


def test_shared_beginning_is_that_of_an_exhaustive_search() -> None:
    rng = random.Random(1)
    for _ in range(200):
        texts = ["".join(rng.choices("ab", k=rng.randrange(6))) for _ in range(rng.randrange(1, 9))]
        for least in (1.0, 0.5):
            cuts = {text[:n] for text in texts for n in range(len(text) + 1)}
            common = [c for c in cuts if sum(t.startswith(c) for t in texts) >= least * len(texts)]

            found = shared_beginning(texts, (least,))

            assert len(found.text if found is not None else "") == max(map(len, common))
