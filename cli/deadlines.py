"""`--deadline` and `--timezone`, which mean the same for every command that takes them."""

from datetime import datetime

from schemas.deadline import Told, told_deadline
from schemas.errors import UserInputError
from schemas.window import zone

HELP = "06:30 (in --timezone), `06:30 America/New_York`, 8h from now, or a moment as 2026-12-01T06:30."
"""The forms, for `--help`."""
ZONE_HELP = "Zone of a deadline that names none; default: UTC."

_WITHOUT_SUMMER = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
"""Names that look like a place's time and stay an hour off all summer, with what is mostly meant."""


def given_deadline(text: str | None, timezone: str | None, now: datetime) -> datetime | None:
    """The moment that a command is told to meet.

    Raises:
        UserInputError: it cannot be read or has passed, there is no such zone, or a zone without a deadline.
    """
    told = told_by(text, checked_zone(timezone), now)
    if told is None and timezone is not None:
        raise UserInputError("nothing is said that is meant in this zone.", where="--timezone", hint="Add --deadline.")
    return None if told is None else told.moment


def told_by(text: str | None, timezone: str, now: datetime) -> Told | None:
    """What a deadline means.

    Raises:
        UserInputError: it cannot be read or has passed.
    """
    if text is None:
        return None
    try:
        told = told_deadline(text, timezone=timezone, now=now)
    except ValueError as error:
        what = f"the deadline {text!r} cannot be met." if "passed" in str(error) else f"{text!r} is no deadline."
        raise UserInputError(what, where="--deadline", hint=f"{error}.") from error
    if told.daily is not None:
        _refuse_without_summer(told.daily[1], "--deadline")
    return told


def checked_zone(name: str | None) -> str:
    """A zone by its name; UTC if none is given.

    Raises:
        UserInputError: there is none of that name, or it never has summer time though its place has.
    """
    if name is None:
        return "UTC"
    try:
        zone(name)
    except ValueError as error:
        raise UserInputError(f"{error}.", where="--timezone") from error
    _refuse_without_summer(name, "--timezone")
    return name


def _refuse_without_summer(name: str, where: str) -> None:
    if name in _WITHOUT_SUMMER:
        hint = f"Write the place: {_WITHOUT_SUMMER[name]}."
        raise UserInputError(f"{name} never has summer time, whatever the clocks do.", where=where, hint=hint)
