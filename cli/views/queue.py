"""What the queue commands show: entries in their order, and the morning after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cli.views.console import out
from cli.views.text_table import print_table
from schemas.overnight import OvernightQueue, QueueEntry
from schemas.window import zone

_HEADERS = ["", "entry", "study", "state", "window", "goes on", "deadline", "run"]


def print_entries(queue: OvernightQueue, now: datetime) -> None:
    """The queue as a table, and why entries rest."""
    print_table("", _HEADERS, [_cells(place, e, now) for place, e in enumerate(queue.entries, 1)], right=[0])
    for entry in queue.entries:
        if entry.reason and not entry.held:
            goes_on = f" Once that is mended: `nightpoll queue resume {entry.id}`." if entry.state == "stopped" else ""
            out.print(f"{entry.id}: {entry.reason}{goes_on}", markup=False)


def print_summary(document: Mapping[str, Any]) -> None:
    """A morning summary for people."""
    entries = document["entries"]
    states = ", ".join(f"{n} {state}" for state, n in document["states"].items())
    late = f"; {document['late']} LATE" if document["late"] else ""
    out.print(
        f"Night of {document['night']}: {states}{late}; ${document['cost_usd']:.4f}", style="bold", markup=False
    )  # fmt: skip
    headers = ["study", "state", "began (UTC)", "ended (UTC)", "settled", "US$", "failures", "run"]
    print_table("", headers, [_morning_cells(entry) for entry in entries], right=[4, 5])
    for entry in entries:
        for line in _lines(entry):
            out.print(f"{entry['study']}: {line}", markup=False)


def _cells(place: int, entry: QueueEntry, now: datetime) -> list[str]:
    state = "paused" if entry.held and entry.is_open else entry.state
    window = "always" if entry.window is None else str(entry.window)
    return [
        str(place), entry.id, entry.name + (" (nightly)" if entry.nightly else ""), state, window,
        _goes_on(entry, now), "" if entry.deadline is None else entry.deadline[:16].replace("T", " "), entry.run_id,
    ]  # fmt: skip


def _goes_on(entry: QueueEntry, now: datetime) -> str:
    opens = entry.opens_next(now)
    if not entry.is_open or opens is None:
        return ""
    return "now" if opens <= now else f"{opens.astimezone(zone(entry.timezone)):%a %H:%M}"


def _morning_cells(entry: Mapping[str, Any]) -> list[str]:
    settled = "" if entry["settled"] is None else f"{entry['settled']:,}/{entry['requests']:,}"
    failures = ", ".join(f"{name} {n:,}" for name, n in entry["failures"].items())
    state = entry["state"] + (", LATE" if entry["late"] else "")
    return [
        entry["study"], state, entry["began_at"][11:16], (entry["ended_at"] or "")[11:16], settled,
        f"{entry['cost_usd']:.4f}", failures, entry["run_id"],
    ]  # fmt: skip


def _lines(entry: Mapping[str, Any]) -> list[str]:
    lines = [entry["reason"]] if entry["reason"] else []
    for found in entry["headline"]:
        around = "" if found["low"] is None else f" ({found['low']:.1%} to {found['high']:.1%})"
        value = "undefined" if found["accuracy"] is None else f"{found['accuracy']:.1%}"
        lines.append(f"{found['arm']}: accuracy {value}{around}")
    if entry["drift"] is not None:
        lines += [f"against {entry['drift']['against']}: {line}" for line in entry["drift"]["lines"]]
    return lines
