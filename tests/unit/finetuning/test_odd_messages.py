"""Messages and marks that services refuse, and what a repair makes of them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from finetuning.checking.check_file import FileReport, check_file
from finetuning.checking.fix_file import fix_file

ASK = "You are {n}.\n\nQuestion: How is it?\n1. Good\n2. Bad\nAnswer with the number of one option only."
USER = {"role": "user", "content": "Q"}
SAID = {"role": "assistant", "content": "1"}
CALL = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]}
FOUND = {"role": "tool", "tool_call_id": "c", "content": "21"}
CALLED = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
NUL = "a\x00b"


def line(*messages: Any, **more: Any) -> str:
    return json.dumps({"messages": list(messages)} | more)


GOOD = [line(USER | {"content": ASK.format(n=n)}, SAID | {"content": str(1 + n % 3 % 2)}) for n in range(24)]


def checked(folder: Path, data: bytes) -> FileReport:
    path = folder / "t.jsonl"
    path.write_bytes(data)
    return check_file(path, model="")


def among_good(odd: str) -> bytes:
    return "\n".join([*GOOD[:6], odd, *GOOD[6:], ""]).encode()


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        pytest.param('{"messages": [], ' + line(USER, SAID)[1:], "duplicate_key", id="messages twice"),
        pytest.param(line(USER, SAID).replace('"1"', '"1", "content" : "2"'), "duplicate_key", id="content twice"),
        pytest.param(line(USER | {"time": 1}, SAID), "unknown_key", id="key of a message"),
        pytest.param(line(USER | {"content": " "}, SAID), "no_user_message", id="a user who says nothing"),
        pytest.param(line(USER, FOUND, SAID), "orphan_tool", id="answer to no call"),
        pytest.param(line(USER, CALL, FOUND | {"tool_call_id": ["c"]}, SAID), "orphan_tool", id="call named oddly"),
        pytest.param(line(USER, CALL | {"tool_calls": "c"}, SAID), "bad_tools", id="calls that are no list"),
        pytest.param(line(USER, SAID, tools="f"), "bad_tools", id="tools that are no list"),
        pytest.param(line(USER, SAID, parallel_tool_calls="yes"), "bad_tools", id="no true or false"),
        pytest.param(line(USER, SAID | {"content": 3}), "no_content", id="a number"),
        pytest.param(line([USER, SAID]), "bad_message", id="nested lists"),
        pytest.param("\ufeff" + GOOD[0], "bom_inside", id="byte-order mark inside"),
        pytest.param(line(USER, SAID | {"content": NUL}), "control_character", id="NUL"),
    ],
)
def test_line_that_services_refuse_is_told_with_its_number(tmp_path: Path, odd: str, code: str) -> None:
    report = checked(tmp_path, among_good(odd))

    assert [problem.where for problem in report.problems if problem.code == code] == ["t.jsonl:7"]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(line(USER, CALL, FOUND, SAID, tools=[{"type": "function"}]), id="tools"),
        pytest.param(line(USER, CALLED, {"role": "function", "name": "f", "content": "21"}, SAID), id="function"),
        pytest.param(line(USER | {"content": '{"a": 1, "b": {"a": 2}}'}, SAID), id="JSON inside a text"),
        pytest.param(line(USER | {"name": "a"}, SAID | {"refusal": None, "weight": 1.0}), id="all keys"),
        pytest.param(line(USER | {"content": "a\tb\r\nc\u2028d\u0085e"}, SAID), id="ends of lines inside a text"),
    ],
)
def test_unusual_line_that_services_take_is_taken(tmp_path: Path, odd: str) -> None:
    report = checked(tmp_path, among_good(odd))

    assert (report.n_errors, report.n_examples) == (0, len(GOOD) + 1)
    assert report.n_by_code["control_character"] == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("\n".join(GOOD).encode("utf-16-le"), "UTF-16", id="UTF-16 without a mark"),
        pytest.param("\r".join(GOOD).encode(), "carriage returns", id="old ends of lines"),
        pytest.param(gzip.compress("\n".join(GOOD).encode()), "compressed", id="gzip"),
        pytest.param(("[\n" + ",\n".join(GOOD) + "\n]\n").encode(), "one JSON list", id="a list, a line each"),
    ],
)
def test_file_of_another_kind_is_told_as_a_whole(tmp_path: Path, data: bytes, words: str) -> None:
    report = checked(tmp_path, data)

    assert [words in problem.what for problem in report.problems if problem.code == "other_format"] == [True]


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        pytest.param(line(USER | {"time": 1}, SAID), "1 line freed from keys that no training line has", id="key"),
        pytest.param(
            line(USER | {"role": "User"}, SAID | {"role": "Assistant", "x": 1}),
            "1 line with its roles in small letters",
            id="role and key",
        ),
        pytest.param("\ufeff\ufeff" + GOOD[0], "1 byte-order mark taken out", id="marks"),
        pytest.param(line(USER, SAID | {"content": NUL}), "1 line freed from control characters", id="NUL"),
        pytest.param(line(USER, SAID | {"content": " 1 "}), "1 answer trimmed", id="blanks"),
    ],
)
def test_repaired_line_is_kept_passes_and_is_told(tmp_path: Path, odd: str, words: str) -> None:
    checked(tmp_path, among_good(odd))

    changes = fix_file(tmp_path / "t.jsonl", tmp_path / "mended.jsonl", seed=1)
    report = check_file(tmp_path / "mended.jsonl", model="")

    assert words in changes
    assert (report.n_errors, report.n_examples) == (0, len(GOOD) + 1)
    assert not {"control_character", "untrimmed_answer"} & set(report.n_by_code)
