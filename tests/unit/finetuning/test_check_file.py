"""Twenty broken training files and what is said of each, with its line."""

import json
from pathlib import Path

import pytest

from finetuning.checking.advice import advice
from finetuning.checking.check_file import check_file, prompt_digest
from finetuning.checking.fix_file import fix_file
from schemas.errors import UserInputError

ASK = "You are {n}.\n\nQuestion: How is it?\n1. Good\n2. Bad\nAnswer with the number of one option only."


def chat(n: int, answer: str = "", **changes: object) -> str:
    said = answer or str(1 + n % 3 % 2)
    messages = [{"role": "user", "content": ASK.format(n=n)}, {"role": "assistant", "content": said}]
    return json.dumps({"messages": messages} | changes)


def older(n: int, *, prompt: str = "\n\n###\n\n", answer: str = " {} END") -> str:
    return json.dumps({"prompt": ASK.format(n=n) + prompt, "completion": answer.format(1 + n % 3 % 2)})


GOOD = [chat(n) for n in range(30)]
GOOD_OLDER = [older(n) for n in range(30)]


def with_line(line: str, lines: list[str] = GOOD) -> list[str]:
    return [*lines[:6], line, *lines[6:]]


def turned(n: int, *roles: str) -> str:
    return json.dumps({"messages": [{"role": role, "content": f"text {n}"} for role in roles]})


@pytest.mark.parametrize(
    ("lines", "code", "line"),
    [
        pytest.param(with_line('{"messages": [}'), "not_json", 7, id="no JSON"),
        pytest.param(with_line("[1, 2]"), "not_an_object", 7, id="no object"),
        pytest.param(with_line("   "), "blank_line", 7, id="blank"),
        pytest.param(with_line('{"text": "x"}'), "no_messages", 7, id="no messages"),
        pytest.param(with_line('{"messages": []}'), "no_messages", 7, id="empty messages"),
        pytest.param(with_line(chat(1, extra=1)), "unknown_key", 7, id="unknown key"),
        pytest.param(with_line(turned(1, "user", "robot")), "unknown_role", 7, id="unknown role"),
        pytest.param(with_line(turned(1, "user")), "no_answer", 7, id="no answer"),
        pytest.param(with_line(turned(1, "assistant")), "no_user_message", 7, id="nobody asks"),
        pytest.param(with_line(chat(1, "  ")), "empty_answer", 7, id="empty answer"),
        pytest.param(
            with_line('{"messages": [{"role": "user", "content": 5}, {"role": "assistant", "content": "1"}]}'),
            "no_content",
            7,
            id="content that is no text",
        ),
        pytest.param(with_line(chat(1, "1").replace('"1"}', '"1", "weight": 2}')), "bad_weight", 7, id="weight"),
        pytest.param(with_line(chat(1, "write to ann@example.org")), "email", 7, id="e-mail"),
        pytest.param(with_line(chat(1, "call (212) 555-0123")), "phone", 7, id="telephone"),
        pytest.param(with_line(chat(1, "sk-abcdefghijklmnop1234")), "key", 7, id="key"),
        pytest.param(with_line(chat(1, "<|endoftext|>")), "special_token", 7, id="special token"),
        pytest.param(with_line(chat(1, "x" * 3000 + " word" * 400)), "over_window", 7, id="over the window"),
        pytest.param(with_line(older(1, prompt=""), GOOD_OLDER), "no_separator", 7, id="no separator"),
        pytest.param(
            with_line(older(1, prompt="\n\n###\n\n more \n\n###\n\n"), GOOD_OLDER), "separator_inside", 7, id="inside"
        ),
        pytest.param(with_line(older(1, answer="{} END"), GOOD_OLDER), "no_leading_space", 7, id="no blank before"),
        pytest.param(with_line(older(1, answer=" {}"), GOOD_OLDER), "no_stop_mark", 7, id="no stop mark"),
        pytest.param(GOOD[:9], "too_few", None, id="nine examples"),
        pytest.param(with_line(older(1)), "mixed_forms", None, id="mixed forms"),
        pytest.param(sorted(GOOD, key=lambda line: line[-5]), "not_shuffled", None, id="sorted by answer"),
    ],
)
def test_broken_file_gets_its_message_with_its_line(
    lines: list[str], code: str, line: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "training.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    report = check_file(path, model="gpt-4.1-mini", window_tokens=300)

    found = [problem for problem in report.problems if problem.code == code]
    assert found, [problem.code for problem in report.problems]
    assert found[0].where == (path.name if line is None else f"{path.name}:{line}")


def test_good_file_has_no_problem_and_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    path.write_text("\n".join([*GOOD, chat(3, "2")]) + "\n", encoding="utf-8")

    report = check_file(path, model="gpt-4.1-mini")

    assert report.problems == []
    assert (report.n_examples, report.n_prompts, report.n_ambiguous) == (31, 30, 1)
    assert report.noise_ceiling == pytest.approx(30 / 31)
    (answers,) = report.answers.values()
    assert answers == {"1": 20, "2": 11}
    assert any("cost" in sentence or "few" in sentence for sentence in advice(report))


def test_test_respondents_prompt_is_leakage(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    path.write_text("\n".join(GOOD) + "\n", encoding="utf-8")

    report = check_file(path, model="gpt-4.1-mini", held_out={prompt_digest((ASK.format(n=4),))})

    assert [(p.code, p.where) for p in report.problems] == [("leakage", "training.jsonl:5")]


def test_fix_repairs_into_a_new_file_and_says_what_it_changed(tmp_path: Path) -> None:
    path, mended = tmp_path / "broken.jsonl", tmp_path / "mended.jsonl"
    lines = [*(older(n, prompt="", answer="{}") for n in range(12)), "", "{", older(20)]
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")

    changes = fix_file(path, mended, seed=1)

    assert "12 separators put behind prompts" in changes
    assert "1 unusable line taken out" in changes
    report = check_file(mended, model="gpt-4.1-mini")
    assert (report.n_examples, report.n_errors) == (13, 0)
    with pytest.raises(UserInputError):
        fix_file(path, path, seed=1)
