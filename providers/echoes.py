"""What a service repeats of a request in its error: taken out, because errors are shown, logged and kept.

Services, and gateways in front of them, quote prompts, and a persona in a prompt is a respondent's row. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REMOVED = "…"
RUN = 3
"""So many words in a row that also stand in the request are a quotation."""

_WORD = re.compile(r"[\w@.+\-]*\w")
_QUOTED = re.compile(r"'[^']{2,}'|\"[^\"]{2,}\"|`[^`]{2,}`|«[^»]{2,}»|“[^”]{2,}”")
_MARKED = re.compile(r"[A-Z0-9@]|[^\x00-\x7f]")
_PLAIN = re.compile(r"[a-z_]+")
_MIN_MARKED = 4


def without_echo(message: str, sent: str) -> str:
    """The message without what stands in the request, too.

    Out go: three or more words in a row that the request has in this order; a quotation with a word of the request
    (names of parameters stay); single words of the request with a capital, a digit, `@` or a letter beyond ASCII.

    Args:
        message: the service's words.
        sent: texts of the request.
    """
    if not message or not sent:
        return message
    words = [word.casefold() for word in _WORD.findall(sent)]
    known = frozenset(words)
    runs = {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}
    message = _QUOTED.sub(lambda quoted: _quotation(quoted[0], known), message)
    return _cut(message, list(_echoed(message, known, runs)))


def texts_of(body: Mapping[str, Any]) -> str:
    """Everything that a request says, a chat or a prompt, on lines."""
    prompt, messages = body.get("prompt"), body.get("messages")
    listed = messages if isinstance(messages, list) else []
    said = [str(each.get("content", "")) for each in listed if isinstance(each, Mapping)]
    return "\n".join([prompt, *said] if isinstance(prompt, str) else said)


def _quotation(quoted: str, known: frozenset[str]) -> str:
    words = _WORD.findall(quoted)
    if len(words) == 1 and _PLAIN.fullmatch(words[0]):
        return quoted
    return f"'{REMOVED}'" if any(word.casefold() in known for word in words) else quoted


def _echoed(message: str, known: frozenset[str], runs: set[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Places of echoes."""
    found = list(_WORD.finditer(message))
    folded = [match[0].casefold() for match in found]
    for i, match in enumerate(found):
        if tuple(folded[i : i + RUN]) in runs:
            yield match.start(), found[i + RUN - 1].end()
        elif folded[i] in known and len(match[0]) >= _MIN_MARKED and _MARKED.search(match[0]):
            yield match.span()


def _cut(message: str, places: Iterable[tuple[int, int]]) -> str:
    parts, end = [], 0
    for start, stop in sorted(places):
        if stop <= end:
            continue
        if start > end or not end:
            parts += [message[end:start], REMOVED]
        end = stop
    return "".join([*parts, message[end:]])
