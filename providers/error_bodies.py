"""What a service says when it refuses a call, in every spelling, and how much of it may be shown."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from providers.echoes import without_echo
from providers.service_words import in_service_words

MESSAGE_CHARS = 300

_REMOVED = "[removed]"
# tuned models, jobs and files: long, no secret, and what somebody needs to look for
_IDS = (
    r"(?<![\w/+.*-])(?:[\w.-]{1,64}?\.ft-[0-9a-f]{32}(?:-[\w-]{1,40})?"
    r"|ft:[\w.-]{1,64}:[\w-]{0,64}:[\w-]{0,64}:\w{1,16}"
    r"|(?:ftjob|ftchkpt|file)-[0-9A-Za-z]{8,40})(?::ckpt-step-\d+)?(?![\w*/+=-])"
)
_KEYS = re.compile(
    rf"(?P<id>{_IDS})"
    r"|sk-[\w*.\-]{4,}"  # OpenAI keys, whole or masked
    r"|[^\s\"'`]*\*{3,}[^\s\"'`]*"  # any other key, masked
    r"|(?i:bearer)\s+\S+"
    r"|(?i:api[-_ ]?key)\s*[=:]\s*[\"']?[^\s\"',]+"
    r"|eyJ[\w\-]{6,}(?:\.[\w\-]+)*"  # tokens of Entra ID
    r"|\b[0-9a-fA-F]{32,}\b"
    r"|(?<![\w/+-])[A-Za-z0-9+/_\-]{40,}={0,2}(?![\w/+-])"
)
# prompts come back inside quotes
_LONG_QUOTE = re.compile(r"'[^']{80,}'|\"[^\"]{80,}\"|`[^`]{80,}`")
_ANY_SENTENCE = re.compile(r"'[^'\s]+\s[^']+'|\"[^\"\s]+\s[^\"]+\"|`[^`\s]+\s[^`]+`")
_NOT_SHOWN = "(what the service says may stand in the file and is not shown)"
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-\[\]]{0,63}")


class ServiceError(NamedTuple):
    """The error object of a response.

    Attributes:
        status: HTTP status.
        code: as sent, numbers as text; "" if there is none.
        kind: its `type`; "" if there is none.
        param: the parameter it is about; "" if there is none.
        message: as sent, not yet fit to be shown.
        inner_code: code of Azure's inner error; "" if there is none.
        filtered: content-filter categories that fired, with severity where told.
    """

    status: int
    code: str = ""
    kind: str = ""
    param: str = ""
    message: str = ""
    inner_code: str = ""
    filtered: tuple[str, ...] = ()


def read_service_error(status: int, content: bytes) -> ServiceError:
    """The error object in a response's body; an empty one with the body's text if it is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ServiceError(status, message=content[:2000].decode("utf-8", "replace"))
    return service_error(status, body)


def service_error(status: int, body: object) -> ServiceError:
    """The error object in a decoded body; an empty one if there is none."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, str):
        return ServiceError(status, message=error)
    if not isinstance(error, dict):
        return ServiceError(status)
    inner = _inner(error)
    return ServiceError(
        status,
        code=_word(error.get("code")),
        kind=_word(error.get("type")),
        param=_word(error.get("param")),
        message=_word(error.get("message", error.get("detail"))),
        inner_code=_word(inner.get("code")),
        filtered=_filtered(inner),
    )


def shown(message: str, secrets: Iterable[str] = (), *, sent: str | None = None) -> str:
    """A message fit for people and logs: one line, no key, no long quotation, at most 300 characters.

    Args:
        message: the service's words.
        secrets: keys in use; removed wherever they stand.
        sent: texts of the request; what the message repeats of them is removed. None: they are not at hand (files of
            a batch or a training), then every quotation of more than a word is.
    """
    for secret in secrets:
        message = message.replace(secret, _REMOVED) if secret else message
    message = _KEYS.sub(lambda found: found["id"] or _REMOVED, message)
    message = _ANY_SENTENCE.sub("'…'", message) if sent is None else without_echo(message, sent)
    line = " ".join(_LONG_QUOTE.sub("'…'", message).split())
    return line if len(line) <= MESSAGE_CHARS else line[: MESSAGE_CHARS - 1] + "…"


def shown_of_file(message: str, secrets: Iterable[str] = ()) -> str:
    """As `shown`, of an error about a file that is not at hand: what may come out of the file is removed, too."""
    left = in_service_words(shown(message, secrets))
    return left if re.search(r"\w", left) else _NOT_SHOWN


def shown_code(code: str) -> str:
    """A service's code fit for logs, counters and labels; "" if it is no short word."""
    return code if _CODE.fullmatch(code) and shown(code) == code else ""


def _inner(error: Mapping[str, Any]) -> Mapping[str, Any]:
    # the descriptions say inner_error and content_filter_results, the wire innererror and content_filter_result
    for name in ("innererror", "inner_error"):
        if isinstance(error.get(name), dict):
            inner: Mapping[str, Any] = error[name]
            return inner
    return {}


def _filtered(inner: Mapping[str, Any]) -> tuple[str, ...]:
    results = inner.get("content_filter_result", inner.get("content_filter_results"))
    if not isinstance(results, dict):
        return ()
    fired = {
        shown_code(str(name)): each for name, each in results.items() if isinstance(each, dict) and each.get("filtered")
    }
    return tuple(
        f"{name} ({shown_code(each['severity'])})" if isinstance(each.get("severity"), str) else name
        for name, each in fired.items()
        if name
    )


def _word(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)
