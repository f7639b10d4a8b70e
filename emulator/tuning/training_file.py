"""Training files as the services read them: every line an example, or an error that names its line."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.answering.prompt import bare_prompt

LEAST_EXAMPLES = 10
MOST_ERRORS = 20
_BOM = b"\xef\xbb\xbf"
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})


class LineError(NamedTuple):
    """What is wrong; `line` counts from 1, None: the whole file."""

    line: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"Line {self.line}: {self.message}"


class Example(NamedTuple):
    """What to say after a conversation.

    Attributes:
        messages: before the answer.
        target: the answer.
    """

    messages: tuple[Mapping[str, Any], ...]
    target: str


@dataclass(frozen=True)
class TrainingFile:
    """A file as read; unusable if there are errors.

    Attributes:
        is_chat: chat form, else prompt and completion.
    """

    examples: tuple[Example, ...]
    errors: tuple[LineError, ...]
    is_chat: bool


def read_training_file(lines: Iterable[bytes], *, least: int = LEAST_EXAMPLES) -> TrainingFile:
    """Read JSON lines in either form; blank lines count as lines and are skipped.

    Args:
        lines: without line feeds; the first may begin with a byte-order mark.
        least: examples that a file needs.
    """
    examples: list[Example] = []
    errors: list[LineError] = []
    chat_lines = 0
    for number, raw in enumerate(lines, start=1):
        text = raw.removeprefix(_BOM) if number == 1 else raw
        if not text.strip():
            continue
        try:
            found = json.loads(text)
        except ValueError:
            errors.append(LineError(number, "is not valid JSON."))
            continue
        made = _example(found)
        if isinstance(made, str):
            errors.append(LineError(number, made))
        else:
            chat_lines += "messages" in found
            examples += made
        if len(errors) >= MOST_ERRORS:
            break
    if not errors and len(examples) < least:
        few = f"The file has {len(examples)} example(s), but must have at least {least} examples."
        errors.append(LineError(None, few))
    if not errors and 0 < chat_lines < len(examples):
        errors.append(LineError(None, "The file mixes chat examples with prompt and completion."))
    return TrainingFile(tuple(examples), tuple(errors), chat_lines > 0)


def _example(found: Any) -> list[Example] | str:  # noqa: ANN401 - anything a JSON line may hold
    if not isinstance(found, dict):
        return "must be a JSON object."
    if "prompt" in found or "completion" in found:
        return _older(found)
    return _chat(found)


def _older(found: dict[str, Any]) -> list[Example] | str:
    for key in ("prompt", "completion"):
        if not isinstance(found.get(key), str):
            return f"'{key}' must be a string."
    if not found["completion"]:
        return "'completion' is empty."
    return [Example(({"role": "user", "content": bare_prompt(found["prompt"])},), found["completion"])]


def _chat(found: dict[str, Any]) -> list[Example] | str:
    messages = found.get("messages")
    unknown = sorted(set(found) - _KEYS)
    if "messages" not in found:
        return "missing required key 'messages'."
    if unknown:
        return f"unexpected key '{unknown[0]}'."
    if not isinstance(messages, list) or not messages:
        return "'messages' must be a non-empty array."
    for at, message in enumerate(messages):
        wrong = _wrong_message(message)
        if wrong is not None:
            return f"messages[{at}]: {wrong}"
    if messages[-1]["role"] != "assistant":
        return "the last message must have role 'assistant'."
    trained = [
        Example(tuple(messages[:at]), message["content"])
        for at, message in enumerate(messages)
        if message["role"] == "assistant" and message.get("weight", 1) == 1 and message.get("content")
    ]
    return trained if trained else "no assistant message with weight 1."


def _wrong_message(message: Any) -> str | None:  # noqa: ANN401 - likewise
    if not isinstance(message, dict):
        return "must be an object."
    role, content, weight = message.get("role"), message.get("content"), message.get("weight")
    if role not in _ROLES:
        return f"invalid role {json.dumps(role)[:40]}."
    calls = role == "assistant" and (message.get("tool_calls") or message.get("function_call"))
    if not isinstance(content, str) and not calls:
        return "'content' must be a string."
    if weight is not None and (role != "assistant" or weight not in (0, 1)):
        return "'weight' must be 0 or 1, on assistant messages only."
    return None
