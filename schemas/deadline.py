"""Deadlines of arms: a time of day in a zone, or one moment."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TIME_AND_ZONE = re.compile(r"(\d{1,2}):(\d{2}) (\S+)")
_FORMS = "write `06:30 America/New_York`, or a moment with its offset such as `2026-12-01T06:30:00-05:00`"


def check_deadline(text: str) -> None:
    """Nothing, if it can be read.

    Raises:
        ValueError: it cannot, with the forms that can.
    """
    _daily(text) if _TIME_AND_ZONE.fullmatch(text) else _moment(text)


def deadline_at(text: str, opened_at: datetime) -> datetime:
    """The moment a deadline means for a run.

    Args:
        text: a time of day with a zone (the first such moment after the run was made), or a moment in ISO form.
        opened_at: when the run was made, aware.

    Raises:
        ValueError: it cannot be read.
    """
    if not _TIME_AND_ZONE.fullmatch(text):
        return _moment(text)
    at, zone = _daily(text)
    day = opened_at.astimezone(zone).date()
    while (found := datetime.combine(day, at, zone)) <= opened_at:
        day += timedelta(days=1)
    return found


def _daily(text: str) -> tuple[time, ZoneInfo]:
    hours, minutes, name = text.replace(":", " ").split(" ", 2)
    try:
        return time(int(hours), int(minutes)), ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError) as e:
        raise ValueError(_FORMS) from e


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise ValueError(_FORMS) from e
    if found.tzinfo is None:
        raise ValueError(_FORMS)
    return found
