"""Lines of a training file in either form, read one by one; what is wrong with a line is a problem with its number."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas.completion_form import SEPARATOR, STOP
from schemas.errors import Problem, UserInputError

BOM = b"\xef\xbb\xbf"
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
LONGEST_LINE_BYTES = 10_000_000
_KEYS = {"messages", "tools", "parallel_tool_calls", "functions"}


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
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                yield _read(raw.removeprefix(BOM) if number == 1 else raw, number, path.name)
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the file cannot be read: {reason}.", where=str(path)) from e


def _read(raw: bytes, number: int, name: str) -> Example | Problem:
    where = f"{name}:{number}"
    found = _object(raw, where)
    if isinstance(found, Problem):
        return found
    if "messages" in found:
        return _chat(found, number, where)
    if "prompt" in found or "completion" in found:
        return _older(found, number, where)
    hint = 'A line holds {"messages": [...]}, or {"prompt": ..., "completion": ...}.'
    return Problem("the line has no `messages`.", where, hint, code="no_messages")


def _object(raw: bytes, where: str) -> dict[str, Any] | Problem:
    if not raw.strip():
        return Problem("the line is blank.", where, "`--fix` takes it out.", "warning", "blank_line")
    if len(raw) > LONGEST_LINE_BYTES:
        return Problem("the line is longer than any model reads.", where, code="line_too_long")
    try:
        found = json.loads(raw)
    except UnicodeDecodeError:
        return Problem("the line is not UTF-8.", where, "Save the file as UTF-8.", code="not_utf8")
    except (ValueError, RecursionError) as error:
        at = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        hint = "One JSON object a line, in double quotes, without a comma at its end."
        return Problem(f"the line is not JSON{at}.", where, hint, code="not_json")
    if isinstance(found, dict):
        return found
    return Problem("the line is no JSON object.", where, 'Write {"messages": [...]}.', code="not_an_object")


def _chat(found: dict[str, Any], number: int, where: str) -> Example | Problem:
    messages = found["messages"]
    problem = _keys(found, where)
    if problem is None and isinstance(messages, list):
        problem = next((p for at, m in enumerate(messages) if (p := _message(m, at, where))), None)
    if problem is None:
        problem = _ending(messages, where)
    if problem is not None:
        return problem
    first = messages[0]
    system = first["content"] if first["role"] in ("system", "developer") else ""
    prompt = tuple(str(m.get("content")) for m in messages[:-1])
    n_earlier = sum(m["role"] == "assistant" and _is_learned(m) for m in messages[:-1])
    last = messages[-1]
    return Example(number, prompt, system, str(last["content"]), True, _is_learned(last), n_earlier)


def _is_learned(message: dict[str, Any]) -> bool:
    return message.get("weight") != 0


def _keys(found: dict[str, Any], where: str) -> Problem | None:
    unknown, messages = sorted(set(found) - _KEYS), found["messages"]
    if unknown:
        return Problem(f"the key {unknown[0]!r} is none of a training line.", where, "Remove it.", code="unknown_key")
    if not isinstance(messages, list) or not messages:
        return Problem("`messages` is no list, or empty.", where, code="no_messages")
    return None


def _ending(messages: list[dict[str, Any]], where: str) -> Problem | None:
    last = messages[-1]
    if last["role"] != "assistant":
        hint = "The last message is the answer to be learned."
        return Problem(f"the last message is the {last['role']}'s.", where, hint, code="no_answer")
    if not any(m["role"] == "user" for m in messages[:-1]):
        return Problem("no user asks anything.", where, code="no_user_message")
    if not any(m["role"] == "assistant" and _is_learned(m) for m in messages):
        return Problem("every answer has weight 0: nothing is learned.", where, code="nothing_trained")
    if not str(last.get("content") or "").strip() and not last.get("tool_calls"):
        return Problem("the answer is empty.", where, "Leave out who gave no answer.", code="empty_answer")
    return None


def _message(message: object, at: int, where: str) -> Problem | None:
    place = f"message {at + 1}"
    if not isinstance(message, dict):
        return Problem(f"{place} is no object.", where, code="bad_message")
    role = message.get("role")
    if role not in ROLES:
        hint = f"Roles: {', '.join(ROLES)}."
        return Problem(f"{place} has the role {str(role)[:30]!r}.", where, hint, code="unknown_role")
    if not isinstance(message.get("content"), str) and not (role == "assistant" and message.get("tool_calls")):
        return Problem(f"the content of {place} is no text.", where, code="no_content")
    weight = message.get("weight")
    if weight is not None and (role != "assistant" or isinstance(weight, bool) or weight not in (0, 1)):
        hint = "0 or 1, on assistant messages only."
        return Problem(f"the weight of {place} is not allowed.", where, hint, code="bad_weight")
    return None


def _older(found: dict[str, Any], number: int, where: str) -> Example | Problem:
    for key in ("prompt", "completion"):
        if not isinstance(found.get(key), str):
            return Problem(f"`{key}` is missing or no text.", where, code=f"no_{key}")
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


def lacks_separator(example: Example) -> bool:
    """A prompt of the older form that does not end in the separator."""
    return not example.is_chat and not example.prompt[0].endswith(SEPARATOR)
