"""What the messages of a chat line may hold, message by message and as a conversation. Pure.

Source: chat format of the fine-tuning guides of OpenAI and Azure OpenAI and `FineTuneChatRequestInput` of OpenAI's
published description, read 2026-11-22: an assistant message may call tools or, in the older way, a function; a tool's
message answers a call that stands before it.
"""

from collections.abc import Sequence
from typing import Any

from schemas.errors import Problem

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MESSAGE_KEYS = {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}


def conversation_problem(messages: Sequence[Any], where: str) -> Problem | None:
    """What is wrong with a conversation; None if it can be trained on.

    Args:
        messages: as the line holds them, anything, at least one.
        where: file and line.
    """
    each = (problem for at, m in enumerate(messages) if (problem := _message(m, at, where)) is not None)
    problem = next(each, None)
    if problem is None:
        problem = _calls(messages, where)
    return _ending(messages, where) if problem is None else problem


def is_learned(message: dict[str, Any]) -> bool:
    """An assistant's message is, unless it says otherwise."""
    return message.get("weight") != 0


def _message(message: object, at: int, where: str) -> Problem | None:
    place = f"message {at + 1}"
    if not isinstance(message, dict):
        return Problem(f"{place} is no object.", where, code="bad_message")
    role = message.get("role")
    if role not in ROLES:
        hint = f"Roles: {', '.join(ROLES)}."
        return Problem(f"{place} has the role {str(role)[:30]!r}.", where, hint, code="unknown_role")
    if not isinstance(message.get("content"), str) and not _calls_something(message):
        return Problem(f"the content of {place} is no text.", where, _instead(message), code="no_content")
    weight = message.get("weight")
    if weight is not None and (role != "assistant" or isinstance(weight, bool) or weight not in (0, 1)):
        hint = "0 or 1, on assistant messages only."
        return Problem(f"the weight of {place} is not allowed.", where, hint, code="bad_weight")
    unknown = sorted(set(message) - MESSAGE_KEYS)
    if unknown:
        what = f"the key {unknown[0][:40]!r} of {place} is none of a message."
        return Problem(what, where, "Remove it; `--fix` does.", code="unknown_key")
    return None


def _calls_something(message: dict[str, Any]) -> bool:
    return message["role"] == "assistant" and bool(message.get("tool_calls") or message.get("function_call"))


def _instead(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "Parts are not read here: write the text itself."
    return "Leave the message out if it is empty." if content is None else "Write it in double quotes."


def _calls(messages: Sequence[dict[str, Any]], where: str) -> Problem | None:
    called: set[object] = set()
    for at, message in enumerate(messages):
        calls = message.get("tool_calls")
        if calls is not None and not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
            return Problem(f"`tool_calls` of message {at + 1} is no list of calls.", where, code="bad_tools")
        called |= {str(call["id"]) for call in calls or () if call.get("id") is not None}
        if message["role"] == "tool" and str(message.get("tool_call_id")) not in called:
            hint = "`tool_call_id` names a call of an assistant's message before it."
            return Problem(f"message {at + 1} answers no call of a tool.", where, hint, code="orphan_tool")
    return None


def _ending(messages: Sequence[dict[str, Any]], where: str) -> Problem | None:
    last = messages[-1]
    if last["role"] != "assistant":
        hint = "The last message is the answer to be learned."
        return Problem(f"the last message is the {last['role']}'s.", where, hint, code="no_answer")
    if not any(m["role"] == "user" and m["content"].strip() for m in messages[:-1]):
        return Problem("no user asks anything.", where, code="no_user_message")
    if not any(m["role"] == "assistant" and is_learned(m) for m in messages):
        return Problem("every answer has weight 0: nothing is learned.", where, code="nothing_trained")
    if not str(last.get("content") or "").strip() and not _calls_something(last):
        return Problem("the answer is empty.", where, "Leave out who gave no answer.", code="empty_answer")
    return None
