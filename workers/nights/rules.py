"""What the overnight queue does next. Pure: the queue, what is known of its runs, and the time go in.

One entry works at a time, the first in the list that may; nobody is interrupted but by the end of its window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from schemas.events import EvaluationJob, RunPhase
from schemas.overnight import BY_QUEUE, HELD, WINDOW_ENDED, OvernightQueue, QueueEntry
from schemas.window import end_of_night

MOST_ATTEMPTS = 3
Kind = Literal["start", "resume", "note", "drain", "end", "evaluate", "finish", "give_up"]


@dataclass(frozen=True)
class Known:
    """What is known of an entry's run.

    Attributes:
        phase: None: there is no run yet.
        is_prepared: a process plans and opens it now.
        evaluation: what has become of the evaluation that was asked for; `evaluation_note` why it failed.
    """

    phase: RunPhase | None = None
    reason: str = ""
    exit_code: int = 0
    is_prepared: bool = False
    evaluation: EvaluationJob = "none"
    evaluation_note: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        kind: start: plan and open it; resume: go on; note: write down that it works; drain: pause it;
            end: write down that it ended; evaluate: ask the workers for its evaluation; finish: write down that all is
            done; give_up: it dies at every start.
    """

    kind: Kind
    entry: QueueEntry
    reason: str = ""
    exit_code: int = 0


@dataclass
class _Round:
    steps: list[Step] = field(default_factory=list)
    candidate: Step | None = None
    is_busy: bool = False


def next_steps(queue: OvernightQueue, known: Mapping[str, Known], now: datetime) -> list[Step]:
    """What to do now, in order; doing it, or half of it, and asking again is safe.

    Args:
        queue: as it was read.
        known: entry id -> its run; for every open entry.
        now: aware.
    """
    round_ = _Round()
    for entry in queue.entries:
        if entry.is_open:
            _look(entry, known[entry.id], now, round_)
    if round_.candidate is not None and not round_.is_busy:
        round_.steps.append(round_.candidate)
    return round_.steps


def _look(entry: QueueEntry, run: Known, now: datetime, round_: _Round) -> None:
    if run.phase in (None, "planned"):
        _not_open_yet(entry, run, now, round_)
    elif run.phase == "running":
        _running(entry, now, round_)
    elif run.phase == "paused":
        _paused(entry, run, now, round_)
    elif run.phase == "finished":
        round_.steps += _finished(entry, run)
    else:
        reason = run.reason if run.phase == "stopped" else "The run was cancelled."
        round_.steps.append(Step("end", entry, reason, run.exit_code))


def _not_open_yet(entry: QueueEntry, run: Known, now: datetime, round_: _Round) -> None:
    if run.is_prepared:
        round_.is_busy = True
    elif entry.attempts >= MOST_ATTEMPTS:
        round_.steps.append(Step("give_up", entry, f"Planning died {MOST_ATTEMPTS} times without a word.", 1))
    elif entry.may_work(now):
        _stand(round_, Step("start", entry))


def _running(entry: QueueEntry, now: datetime, round_: _Round) -> None:
    if entry.state in ("waiting", "running") and not entry.may_work(now):
        round_.steps.append(Step("drain", entry, HELD if entry.held else WINDOW_ENDED))
        return
    round_.is_busy = True  # outside its window only if a user resumed it by hand: that is left alone
    if entry.state == "waiting" or (entry.state == "drained" and entry.may_work(now)):
        round_.steps.append(Step("note", entry))


def _paused(entry: QueueEntry, run: Known, now: datetime, round_: _Round) -> None:
    if run.reason not in BY_QUEUE:
        return  # somebody wants it to rest, and nobody else should wait for that
    if entry.state in ("waiting", "running"):
        round_.steps.append(Step("drain", entry, run.reason))  # a keeper died between the event and the note
    elif entry.may_work(now):
        _stand(round_, Step("resume", entry))


def _finished(entry: QueueEntry, run: Known) -> list[Step]:
    if entry.then and (entry.state != "finishing" or run.evaluation == "none"):
        return [Step("evaluate", entry)]
    if entry.then and run.evaluation == "asked":
        return []
    return [Step("finish", entry, run.evaluation_note if entry.then else "", run.exit_code)]


def _stand(round_: _Round, step: Step) -> None:
    if round_.candidate is None:
        round_.candidate = step


def untold_nights(queue: OvernightQueue) -> dict[date, list[QueueEntry]]:
    """Nights with work that no summary tells of yet -> all entries that worked in them, in order."""
    found: dict[date, list[QueueEntry]] = {}
    for night in sorted({n.night for e in queue.entries for n in e.nights}):
        worked = [entry for entry in queue.entries if any(n.night == night for n in entry.nights)]
        if not {e.id for e in worked} <= set(queue.told.get(str(night), ())):
            found[night] = worked
    return found


def night_is_over(queue: OvernightQueue, known: Mapping[str, Known], night: date, now: datetime) -> bool:
    """Nobody works, and nobody may before the noon that ends the night."""
    for entry in queue.entries:
        if not entry.is_open:
            continue
        run = known[entry.id]
        if run.is_prepared or run.phase in ("running", "finished"):
            return False
        opens = entry.opens_next(now)
        waits_for_a_user = run.phase == "paused" and run.reason not in BY_QUEUE
        if opens is not None and not waits_for_a_user and opens < end_of_night(night, entry.timezone):
            return False
    return True
