"""Windows of the night: from one time of day to another in a zone, with the nights on which clocks are changed.

A local time that a spring night leaves out means the first moment after the gap; one that an autumn night has twice
means its first occurrence, for openings as for ends, so that nothing ends later than was promised.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from schemas.strict import Strict

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS_TO_LOOK = 4
"""A night may be left out (its whole window falls into a gap), and zones have skipped a whole day."""
_NOON = timedelta(hours=12)


class Interval(NamedTuple):
    """One night's window: open from `opens` (included) to `closes` (excluded), both UTC."""

    opens: datetime
    closes: datetime


class Window(Strict):
    """A window that opens once a day."""

    start: str = Field(description="Local time of day, HH:MM.")
    end: str = Field(description="Local time of day, HH:MM; not after `start`: on the next day.")
    timezone: str = Field(description="Name of a zone, as in America/New_York.")

    @field_validator("start", "end")
    @classmethod
    def _is_time(cls, text: str) -> str:
        return f"{clock_time(text):%H:%M}"

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        zone(name)
        return name

    @model_validator(mode="after")
    def _has_length(self) -> "Window":
        if self.start == self.end:
            raise ValueError("a window needs a length; leave it out for one that is always open")
        return self

    @classmethod
    def parsed(cls, text: str, timezone: str) -> "Window":
        """A window from `22:00-06:30` and a zone.

        Raises:
            ValueError: it cannot be read, with the form that can.
        """
        start, dash, end = text.partition("-")
        if not dash:
            raise ValueError("write it as 22:00-06:30")
        return cls(start=start.strip(), end=end.strip(), timezone=timezone)

    def on(self, day: date) -> Interval | None:
        """The window that opens on a local day; None if clocks were moved over all of it."""
        tz, start, end = zone(self.timezone), clock_time(self.start), clock_time(self.end)
        opens = moment(day, start, tz)
        closes = moment(day if end > start else day + timedelta(days=1), end, tz)
        return Interval(opens, closes) if closes > opens else None

    def current(self, now: datetime) -> Interval | None:
        """The window that is open at an aware moment, if any."""
        today = now.astimezone(zone(self.timezone)).date()
        for back in (0, 1):
            found = self.on(today - timedelta(days=back))
            if found is not None and found.opens <= now < found.closes:
                return found
        return None

    def next_after(self, now: datetime) -> Interval:
        """The first window that opens after an aware moment."""
        today = now.astimezone(zone(self.timezone)).date()
        for ahead in range(_DAYS_TO_LOOK):
            found = self.on(today + timedelta(days=ahead))
            if found is not None and found.opens > now:
                return found
        raise ValueError(f"no window opens within {_DAYS_TO_LOOK} days")  # pragma: no cover - zones are not like this

    def __str__(self) -> str:
        return f"{self.start}-{self.end} {self.timezone}"


def clock_time(text: str) -> time:
    """A time of day.

    Raises:
        ValueError: it is none.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time of day; write HH:MM")
    return time(int(match[1]), int(match[2]))


def zone(name: str) -> ZoneInfo:
    """A time zone.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError(f"there is no time zone {name!r}; write one such as America/New_York") from e


def moment(day: date, at: time, tz: ZoneInfo) -> datetime:
    """When a local time of a day is, UTC: the first of two, or the first moment after a gap."""
    local = datetime.combine(day, at)
    early, late = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(tz).replace(tzinfo=None) == local:
        return early
    low, high = late, early  # in a gap the later offset gives the earlier moment; clocks are moved between them
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == before else (low, middle)
    return high


def night_of(now: datetime, timezone: str) -> date:
    """The night a moment belongs to, from noon to noon, named by the day it began on."""
    return (now.astimezone(zone(timezone)).replace(tzinfo=None) - _NOON).date()


def end_of_night(night: date, timezone: str) -> datetime:
    """Noon after a night, UTC."""
    return moment(night + timedelta(days=1), time(12), zone(timezone))


def in_night(night: date, at: time, timezone: str) -> datetime:
    """When a time of day comes in a night: in its evening from noon on, else in its morning; UTC."""
    return moment(night if at >= time(12) else night + timedelta(days=1), at, zone(timezone))
