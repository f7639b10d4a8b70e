"""What an entry of the overnight queue did night by night. Pure: entries and moments in, nights out."""

from datetime import datetime

from schemas.overnight import MOST_NIGHTS, Night, QueueEntry
from schemas.window import end_of_night, night_of


def begun(entry: QueueEntry, now: datetime) -> list[Night]:
    """Nights with this one open; calling it again in the same night changes nothing."""
    night = night_of(now, entry.timezone)
    if entry.nights and entry.nights[-1].night == night and entry.nights[-1].run_id == entry.run_id:
        return [*entry.nights[:-1], entry.nights[-1].model_copy(update={"ended_at": None, "ended": ""})]
    new = Night(night=night, run_id=entry.run_id, began_at=now, previous=entry.last_run_id)
    return [*entry.nights, new][-MOST_NIGHTS:]


def ended(entry: QueueEntry, how: str, now: datetime) -> list[Night]:
    """Nights with the last one closed: done, drained, stopped or failed; in time or late."""
    *before, last = begun(entry, now) if _is_closed(entry) else entry.nights
    deadline = entry.deadline_at(last.began_at)
    late = deadline is not None and (how != "done" or now > deadline)
    return [*before, last.model_copy(update={"ended_at": now, "ended": how, "late": late})]


def next_turn(entry: QueueEntry, now: datetime) -> datetime:
    """When a nightly entry that is done begins again: not before its window has closed, or the night is over."""
    is_open = None if entry.window is None else entry.window.current(now)
    if is_open is not None:
        return is_open.closes
    return end_of_night(night_of(now, entry.timezone), entry.timezone) if entry.window is None else now


def _is_closed(entry: QueueEntry) -> bool:
    """The run ended before anybody wrote down that it works."""
    return not entry.nights or entry.nights[-1].ended_at is not None or entry.nights[-1].run_id != entry.run_id
