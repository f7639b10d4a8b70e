"""Tables of the report: text to read beside a value to sort by."""

from collections.abc import Sequence
from typing import NamedTuple

from evaluation.figures import Interval

UNDEFINED = "–"
SUPPRESSED_TEXT = "< 30"


class ReportCell(NamedTuple):
    """What is read, what is sorted by, and whether it is a number (set right) or a list of flags."""

    text: str
    sort: str
    kind: str = "text"


class ReportRow(NamedTuple):
    """One row; `arm` "" stays whatever arm is picked."""

    arm: str
    cells: Sequence[ReportCell]


class ReportTable(NamedTuple):
    """A table with a caption; a note says how to read it."""

    title: str
    headers: Sequence[str]
    rows: Sequence[ReportRow]
    note: str = ""
    cards: bool = False
    """Shown as cards on a phone: for the first screen."""


def words(text: str) -> ReportCell:
    """Plain text."""
    return ReportCell(text, text.casefold())


def flags(text: str) -> ReportCell:
    """Verdict flags."""
    return ReportCell(text, text, "flags")


def percent(value: float | None, *, signed: bool = False) -> ReportCell:
    """A share as percent, or a difference of shares in points, with one decimal."""
    if value is None:
        return ReportCell(UNDEFINED, "", "number")
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f} %"
    return ReportCell(text, repr(value), "number")


def number(value: float | None, decimals: int) -> ReportCell:
    """A number with thousands separators."""
    return ReportCell(
        UNDEFINED if value is None else f"{value:,.{decimals}f}", "" if value is None else repr(value), "number"
    )


def p_value(value: float | None) -> ReportCell:
    """A p value with four decimals; what rounds to 0 is said to be smaller."""
    if value is not None and value < 0.00005:
        return ReportCell("< 0.0001", repr(value), "number")
    return number(value, 4)


def interval(found: Interval | None, *, signed: bool = False) -> ReportCell:
    """Both ends in percent or points."""
    if found is None:
        return ReportCell(UNDEFINED, "", "number")
    form = "+.1f" if signed else ".1f"
    return ReportCell(f"{100 * found.low:{form}} to {100 * found.high:{form}}", repr(found.low), "number")
