"""Files as people bring them: other formats and encodings, odd lines, personal data in many spellings."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from finetuning.checking.check_file import FileReport, check_file, prompt_digest
from finetuning.checking.file_lines import LONGEST_LINE_BYTES
from finetuning.checking.fix_file import fix_file
from schemas.errors import UserInputError

ASK = "You are {n}.\n\nQuestion: How is it?\n1. Good\n2. Bad\n9. Refused\nAnswer with the number of one option only."


def chat(n: int, answer: str = "", **more: Any) -> dict[str, Any]:
    said = answer if answer else str(1 + n % 2)
    messages = [{"role": "user", "content": ASK.format(n=n)}, {"role": "assistant", "content": said}]
    return {"messages": messages} | more


def text(*lines: Any) -> bytes:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()


GOOD = [chat(n) for n in range(12)]
TOOL = {"messages": [GOOD[0]["messages"][0], {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}]}


def checked(folder: Path, data: bytes, **more: Any) -> FileReport:
    path = folder / "t.jsonl"
    path.write_bytes(data)
    return check_file(path, model="", **more)


def found(report: FileReport, code: str) -> list[str]:
    return [problem.where for problem in report.problems if problem.code == code]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(text(*GOOD).decode().encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(json.dumps(GOOD).encode(), "one JSON list", id="a list on one line"),
        pytest.param(json.dumps(GOOD, indent=1).encode(), "one JSON list", id="a list on many lines"),
        pytest.param(json.dumps(GOOD[0], indent=1).encode(), "several lines", id="an object on many lines"),
        pytest.param(b"prompt,completion\na,b\nc,d\n", "like a table", id="CSV"),
    ],
)
def test_file_in_another_format_is_told_as_a_whole(tmp_path: Path, data: bytes, words: str) -> None:
    report = checked(tmp_path, data)

    assert [p.what for p in report.problems if p.code == "other_format"] != []
    assert words in next(p.what for p in report.problems if p.code == "other_format")
    assert report.n_examples == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(json.dumps(GOOD[1])[:-1] + ', "tools": [NaN]}', "not_json", id="NaN"),
        pytest.param(chat(1, "\ud800 x"), "half_character", id="half an emoji"),
        pytest.param({"input": {}, "preferred_output": []}, "other_method", id="preferences"),
        pytest.param({"prompt": "a", "completion": " b END", "id": 7}, "unknown_key", id="key of the older form"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, GOOD[0]["messages"][1]]},
            "no_content",
            id="parts",
        ),
        pytest.param("[" * 100_000, "not_json", id="too deep"),
        pytest.param('{"messages": ' + "9" * 6_000 + "}", "not_json", id="too large a number"),
        pytest.param("x" * (LONGEST_LINE_BYTES + 10), "line_too_long", id="a line without end"),
        pytest.param(chat(1, " 1"), "untrimmed_answer", id="blank before a chat's answer"),
    ],
)
def test_odd_line_gets_its_message_and_the_lines_after_it_are_read(tmp_path: Path, line: Any, code: str) -> None:
    report = checked(tmp_path, text(*GOOD[:6], line, *GOOD[6:]))

    assert found(report, code) == ["t.jsonl:7"]
    assert report.n_lines == 13
    assert report.n_examples >= 12


def test_answer_that_only_calls_a_tool_is_an_example_without_words(tmp_path: Path) -> None:
    report = checked(tmp_path, text(*GOOD, TOOL))
    fix_file(tmp_path / "t.jsonl", tmp_path / "mended.jsonl", seed=1)

    assert (report.n_examples, report.n_errors) == (13, 0)
    assert check_file(tmp_path / "mended.jsonl", model="").n_examples == 13


@pytest.mark.parametrize(
    ("said", "code"),
    [
        pytest.param("555-867-5309", "phone", id="American"),
        pytest.param("(212) 555 0123", "phone", id="American in brackets"),
        pytest.param("+44 20 7946 0958", "phone", id="British"),
        pytest.param("+4930123456", "phone", id="without blanks"),
        pytest.param("+86 138 0013 8000", "phone", id="Chinese"),
        pytest.param("030 12345678", "phone", id="German"),
        pytest.param("0171/2345678", "phone", id="German mobile"),
        pytest.param("a@b.co", "email", id="e-mail"),
        pytest.param("<|START|>", "special_token", id="in capitals"),
        pytest.param("<|reserved_200012|>", "special_token", id="with digits"),
        pytest.param("[INST] x", "special_token", id="of open models"),
        pytest.param("x</s>", "special_token", id="end of open models"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "key", id="key"),
    ],
)
def test_what_should_not_stand_in_a_text_is_found(tmp_path: Path, said: str, code: str) -> None:
    report = checked(tmp_path, text(*GOOD, chat(20, f"see {said} now")))

    assert found(report, code) == ["t.jsonl:13"]
    assert not any(said in problem.what + problem.hint for problem in report.problems)


@pytest.mark.parametrize(
    "said",
    [
        "1990-2000-2010", "$1,234,567.89", "2026-11-23 10:15:00", "3.14159265358979", "+12.5 points", "a <| b", "1 + 2",
        "between 100 000 and 200 000", "0.5 to 0.75", "ages 018 to 24", "[1] and [2]", "5 < s > 3",
    ],
)  # fmt: skip
def test_numbers_and_signs_of_surveys_are_no_personal_data(tmp_path: Path, said: str) -> None:
    report = checked(tmp_path, text(*GOOD, chat(20, f"so {said}, then")))

    assert {p.code for p in report.problems} <= {"many_answers"}


def test_answers_that_read_like_none_are_told_by_label_and_by_word(tmp_path: Path) -> None:
    lines = [chat(n, "9" if n < 3 else "Don't know" if n < 5 else "") for n in range(20)]

    report = checked(tmp_path, text(*lines))

    told = [problem for problem in report.problems if problem.code == "missing_answers"]
    assert [(p.level, p.what.partition(" answers")[0]) for p in told] == [("warning", "5")]


def test_test_respondents_prompt_is_found_behind_another_system_message(tmp_path: Path) -> None:
    other = {"messages": [{"role": "system", "content": "Another."}, *chat(50)["messages"]]}

    report = checked(tmp_path, text(*GOOD, other), held_out={prompt_digest((ASK.format(n=50),))})

    assert found(report, "leakage") == ["t.jsonl:13"]


def test_pipe_and_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UserInputError):
            check_file(path, model="")


def test_fix_frees_lines_from_unknown_keys_and_keeps_repetitions(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(text(*GOOD, GOOD[0], chat(30, id=7), {"prompt": "a", "completion": "b", "n": 1, "m": 2}))

    changes = fix_file(path, tmp_path / "mended.jsonl", seed=1)

    assert "2 lines freed from keys that no training line has" in changes
    report = check_file(tmp_path / "mended.jsonl", model="")
    assert (report.n_examples, report.n_identical) == (15, 1)
    assert report.n_by_code["unknown_key"] == 0
