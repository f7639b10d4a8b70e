"""How processes log: text for people, or one JSON object a line for machines.

The JSON form lets through constant sentences, names and numbers only. What an exception says is left out, its kind
and the places it came through are told: messages of others may quote what they were given.
"""

import json
import logging
import traceback
from datetime import UTC, datetime

from schemas.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one line: at (UTC), level, logger, message, and its extras (event, run_id, unit, request_id ...)."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {k: _plain(v) for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            places = traceback.extract_tb(record.exc_info[2])
            line["trace"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places[-12:]]
        return json.dumps(line, ensure_ascii=False)


def configure_logging(settings: Settings) -> None:
    """Set up the root logger of a process, at its entry point."""
    logging.basicConfig(level=settings.log_level, format=TEXT)
    if settings.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value) if isinstance(value, datetime) else type(value).__name__
