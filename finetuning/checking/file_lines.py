"""Lines of a training file in either form, read one by one; what is wrong with a line is a problem with its number."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from finetuning.checking.message_checks import MESSAGE_KEYS, conversation_problem, is_learned
from schemas.completion_form import STOP
from schemas.errors import Problem, UserInputError
from storage.named_file import checked_file

BOM = b"\xef\xbb\xbf"
LONGEST_LINE_BYTES = 10_000_000
_KEYS = {"messages", "tools", "parallel_tool_calls", "functions"}
_KINDS = (("tools", list, "list"), ("functions", list, "list"), ("parallel_tool_calls", bool, "true or false"))
_OLDER_KEYS = {"prompt", "completion"}
_OTHER_METHODS = {"input", "preferred_output", "preferred_completion", "non_preferred_output", "reference_answer"}
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


class Example(NamedTuple):
    """One trainable line.

    Attributes:
        prompt: all that stands before the answer, message by message.
        system: the first of them if it is the system's, else "".
        answer: of the last assistant message, or the completion as it stands.
        is_learned: the answer is; one of `weight` 0 is not.
        n_earlier_learned: assistant messages before it that are learned, too, because nothing says otherwise.
    """

    line: int
    prompt: tuple[str, ...]
    system: str
    answer: str
    is_chat: bool
    is_learned: bool = True
    n_earlier_learned: int = 0


def read_lines(path: Path) -> Iterator[Example | Problem]:
    """Every line, as an example or as what is wrong with it; blank lines are problems too.

    Raises:
        UserInputError: the file cannot be read.
    """
    for number, raw in raw_lines(path):
        yield read_line(raw, number, path.name)


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line, without a byte-order mark; of a line longer than allowed, its beginning.

    Raises:
        UserInputError: likewise.
    """
    try:
        with checked_file(path).open("rb") as file:
            number = 0
            while raw := file.readline(LONGEST_LINE_BYTES + 1):
                number += 1
                rest = raw
                while len(rest) > LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST_LINE_BYTES + 1)
                yield number, raw.removeprefix(BOM) if number == 1 else raw
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the file cannot be read: {reason}.", where=str(path)) from e


def read_line(raw: bytes, number: int, name: str) -> Example | Problem:
    """One line, as an example or as what is wrong with it.

    Args:
        raw: without a byte-order mark.
        number: from 1.
        name: of the file.
    """
    where = f"{name}:{number}"
    found = _object(raw, where)
    if isinstance(found, Problem):
        return found
    if "messages" in found:
        return _chat(found, number, where)
    if "prompt" in found or "completion" in found:
        return _older(found, number, where)
    if _OTHER_METHODS & set(found):
        hint = "Only supervised training is built: a conversation and its answer."
        return Problem("the line is for another method of training.", where, hint, code="other_method")
    hint = 'A line holds {"messages": [...]}, or {"prompt": ..., "completion": ...}.'
    return Problem("the line has no `messages`.", where, hint, code="no_messages")


def _unread(raw: bytes, where: str) -> Problem | None:
    """What is wrong with a line before it is read as JSON."""
    if not raw.strip():
        return Problem("the line is blank.", where, "`--fix` takes it out.", "warning", "blank_line")
    if raw.startswith(BOM):
        hint = "Files were put together, each with its own; `--fix` takes it out."
        return Problem("a byte-order mark stands inside the file.", where, hint, code="bom_inside")
    if len(raw) > LONGEST_LINE_BYTES:
        return Problem("the line is longer than any model reads.", where, code="line_too_long")
    return None


def _object(raw: bytes, where: str) -> dict[str, Any] | Problem:
    problem = _unread(raw, where)
    if problem is not None:
        return problem
    try:
        found = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        return Problem("the line is not UTF-8.", where, "Save the file as UTF-8.", code="not_utf8")
    except (ValueError, RecursionError) as error:
        at = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        hint = "One JSON object a line, in double quotes, without a comma at its end."
        return Problem(f"the line is not JSON{at}.", where, hint, code="not_json")
    if not isinstance(found, dict):
        return Problem("the line is no JSON object.", where, 'Write {"messages": [...]}.', code="not_an_object")
    problem = _twice(raw, found, where)
    if problem is None and _HALF_CHARACTER.search(raw) is not None:
        return _whole_characters(found, where)
    return found if problem is None else problem


def _twice(raw: bytes, found: dict[str, Any], where: str) -> Problem | None:
    """A key that one object has twice; looked for only where more seem to be written than were read."""
    if _n_colons(raw) <= _n_keys(found) or (key := _written_twice(raw)) is None:
        return None
    hint = "Nobody knows which of the two is meant: keep one."
    return Problem(f"the key {key[:40]!r} is written twice.", where, hint, code="duplicate_key")


def _n_colons(raw: bytes) -> int:
    """At least the keys written in a line; more where texts quote words before colons."""
    return raw.count(b'":') + raw.count(b'" :')


def _n_keys(found: dict[str, Any]) -> int:
    """Keys of a line and of its messages: what stands deeper is looked at one by one."""
    messages = found.get("messages")
    each = messages if isinstance(messages, list) else ()
    return len(found) + sum(len(message) for message in each if isinstance(message, dict))


def _written_twice(raw: bytes) -> str | None:
    """A key that one object of the line has twice: readers keep the last and say nothing."""
    twice: list[str] = []

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice.extend(name for name in found if names.count(name) > 1)
        return found

    json.loads(raw, object_pairs_hook=kept)
    return twice[0] if twice else None


def _whole_characters(found: dict[str, Any], where: str) -> dict[str, Any] | Problem:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        hint = "An escape \\ud800 to \\udfff without its other half, as of an emoji that was cut."
        return Problem("the line holds half a character.", where, hint, code="half_character")
    return found


def _chat(found: dict[str, Any], number: int, where: str) -> Example | Problem:
    messages = found["messages"]
    problem = _keys(found, where)
    if problem is None:
        problem = conversation_problem(messages, where)
    if problem is not None:
        return problem
    first = messages[0]
    system = first["content"] if first["role"] in ("system", "developer") else ""
    prompt = tuple(_text(m) for m in messages[:-1])
    n_earlier = sum(m["role"] == "assistant" and is_learned(m) for m in messages[:-1])
    last = messages[-1]
    return Example(number, prompt, system, _text(last), True, is_learned(last), n_earlier)


def _text(message: dict[str, Any]) -> str:
    """What a message says; one that only calls tools says nothing."""
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _keys(found: dict[str, Any], where: str) -> Problem | None:
    unknown, messages = sorted(set(found) - _KEYS), found["messages"]
    if unknown:
        return _unknown_key(unknown[0], where)
    if not isinstance(messages, list) or not messages:
        return Problem("`messages` is no list, or empty.", where, code="no_messages")
    for key, kind, word in _KINDS:
        if found.get(key) is not None and not isinstance(found[key], kind):
            return Problem(f"`{key}` is no {word}.", where, code="bad_tools")
    return None


def _unknown_key(key: str, where: str) -> Problem:
    what = f"the key {key[:40]!r} is none of a training line."
    return Problem(what, where, "Remove it; `--fix` does.", code="unknown_key")


def _older(found: dict[str, Any], number: int, where: str) -> Example | Problem:
    for key in ("prompt", "completion"):
        if not isinstance(found.get(key), str):
            return Problem(f"`{key}` is missing or no text.", where, code=f"no_{key}")
    unknown = sorted(set(found) - _OLDER_KEYS)
    if unknown:
        return _unknown_key(unknown[0], where)
    if not found["completion"].strip():
        return Problem("the completion is empty.", where, "Leave out who gave no answer.", code="empty_answer")
    return Example(number, (found["prompt"],), "", found["completion"], is_chat=False)


_STOPPED = re.compile(r"(?: END|###|\n)$")


def bare_answer(example: Example) -> str:
    """The answer without the blank before it and the stop mark behind it."""
    if example.is_chat:
        return example.answer
    text = example.answer.removeprefix(" ")
    return text.removesuffix(STOP) if text.endswith(STOP) else _STOPPED.sub("", text)


def without_unknown_keys(raw: bytes) -> bytes:
    """A line, known to be an object, without the keys that no training line or message has."""
    found = json.loads(raw)
    known = _KEYS if "messages" in found else _OLDER_KEYS
    found = {key: value for key, value in found.items() if key in known}
    if isinstance(found.get("messages"), list):
        found["messages"] = [
            {key: value for key, value in m.items() if key in MESSAGE_KEYS} if isinstance(m, dict) else m
            for m in found["messages"]
        ]
    return json.dumps(found, ensure_ascii=False).encode()
