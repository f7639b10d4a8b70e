"""How processes log: text for people, or one JSON object a line for machines.

Both let through constant sentences, names and numbers only. What an exception says is left out, its kind and the
places it came through are told: messages of others may quote what they were given, and our own stand elsewhere.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from schemas.secret_text import redacted
from schemas.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_PLACES = 12
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line: at (UTC), level, logger, message, and its extras (event, run_id, unit, request_id ...)."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        line |= {k: _plain(v) for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            places = traceback.extract_tb(record.exc_info[2])
            line["trace"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places[-_PLACES:]]
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """A record for people; an exception as its kind and its places, and nothing that reads like a key."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines."""
        return redacted(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - name and types of the base class
        """Places from the outermost to the innermost, then the kinds of the error and of its causes."""
        places = [f"  {p.filename}:{p.lineno} {p.name}" for p in traceback.extract_tb(ei[2])[-_PLACES:]]
        return "\n".join([*places, f"  {' from '.join(_kinds(ei[1]))}"])


def configure_logging(settings: Settings) -> None:
    """Set up the root logger of a process, at its entry point."""
    logging.basicConfig(level=settings.log_level)
    form = JsonLines() if settings.log_format == "json" else TextLines(TEXT)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(form)


def _kinds(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield type(error).__name__
        error = error.__cause__ if error.__cause__ is not None else error.__context__


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float, str)):
        is_sentence = isinstance(value, str) and (" " in value or "://" in value)  # an id of 32 hex digits is no key
        return redacted(str(value)) if is_sentence else value
    return str(value) if isinstance(value, datetime) else type(value).__name__
