"""Deadlines of arms: a time of day in a zone, or one moment."""

import re
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TIME_AND_ZONE = re.compile(r"(\d{1,2}):(\d{2}) (\S+)")
_TIME_PERHAPS_ZONE = re.compile(r"(\d{1,2}:\d{2})(?: (\S+))?")
_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(min|m|h|d)")
_UNITS = {"min": timedelta(minutes=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_TOLD_FORMS = "write 06:30, `06:30 America/New_York`, 8h, or a moment such as 2026-12-01T06:30"
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


class Told(NamedTuple):
    """A deadline as a command was told it.

    Attributes:
        moment: that it means from now on, aware.
        daily: the local time of day and its zone, if it can come again; None for a moment or a span.
    """

    moment: datetime
    daily: tuple[time, str] | None


def told_deadline(text: str, *, timezone: str, now: datetime) -> Told:
    """What a command's `--deadline` means: `06:30`, `06:30 ZONE`, `8h` from now, or a moment in ISO form.

    Args:
        text: as typed.
        timezone: of a time or a moment that names no zone of its own.
        now: aware.

    Raises:
        ValueError: it cannot be read, with the forms that can; or it has passed.
    """
    text = text.strip()
    try:
        if (span := _SPAN.fullmatch(text)) is not None:
            return Told(now + float(span[1]) * _UNITS[span[2]], None)
        if (daily := _TIME_PERHAPS_ZONE.fullmatch(text)) is not None:
            name = timezone if daily[2] is None else daily[2]
            return Told(deadline_at(f"{daily[1]} {name}", now), (_daily(f"{daily[1]} {name}")[0], name))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as e:
        raise ValueError(_TOLD_FORMS) from e
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(timezone))
    if moment <= now:
        raise ValueError(f"{moment.isoformat(sep=' ', timespec='minutes')} has passed; name a moment to come")
    return Told(moment, None)


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
