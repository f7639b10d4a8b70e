"""How batches are shown: state, age, expected end, what became of their requests."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.views.console import out
from cli.views.text_table import print_table
from schemas.batches import MISSING, BatchLedger, Tally

WINDOW = timedelta(hours=24)
"""The services' completion window."""

_WORDS = {
    "packed": "waits for room in the queue",
    "uploading": "uploading",
    "uploaded": "file being checked",
    "processed": "about to be made",
    "creating": "being made",
    "ended": "over, being harvested",
    "abandoned": "given up before it was made",
    "halving": "being halved",
    "halved": "halved",
}


def state_of(ledger: BatchLedger) -> str:
    """Where a batch is, as in `in progress 412/27,400`."""
    state = ledger.end if ledger.state == "closed" and ledger.end is not None else ledger.state
    if state == "harvested":
        return "harvested"
    seen = ledger.seen
    if state != "created" or seen is None:
        return f"{_WORDS[state]}: {ledger.reason}" if ledger.reason and not ledger.is_over else _WORDS[state]
    if seen.status == "in_progress" and seen.total:
        done = (0 if seen.completed is None else seen.completed) + (0 if seen.failed is None else seen.failed)
        return f"in progress {done:,}/{seen.total:,}"
    return seen.status.replace("_", " ")


def age_of(ledger: BatchLedger, now: datetime) -> timedelta | None:
    """Since it was made; None if it was not, or is over."""
    return None if ledger.since is None or ledger.is_over else now - ledger.since


def expected_end(ledger: BatchLedger, now: datetime) -> datetime | None:
    """From its own pace, else the end of the window; None if it is not at the service."""
    if ledger.since is None or ledger.state != "created":
        return None
    seen = ledger.seen
    if seen is None or not seen.total or not seen.completed or seen.status != "in_progress":
        return ledger.since + WINDOW
    return ledger.since + (now - ledger.since) * (seen.total / seen.completed)


def summary(ledgers: Sequence[BatchLedger]) -> str:
    """All open batches in a few words, as in `2 batches: in progress 412/27,400, finalizing`; "" if there are none."""
    counted = Counter(state_of(ledger) for ledger in ledgers if not ledger.is_over)
    if not counted:
        return ""
    told = ", ".join(state if n == 1 else f"{n} {state}" for state, n in counted.most_common(4))
    n = counted.total()
    return f"{n} batch{'es' if n > 1 else ''}: {told}"


def document(ledger: BatchLedger, now: datetime) -> dict[str, Any]:
    """For --json."""
    age, end = age_of(ledger, now), expected_end(ledger, now)
    return {
        "number": ledger.number,
        "model": ledger.model,
        "state": state_of(ledger),
        "ledger_state": ledger.state,
        "deployment": ledger.deployment,
        "batch_id": ledger.batch_id,
        "requests": ledger.file.n_lines,
        "prompt_tokens": ledger.file.n_tokens,
        "generation": ledger.generation,
        "round": ledger.round,
        "parent": ledger.parent,
        "age_s": None if age is None else age.total_seconds(),
        "expected_end": None if end is None else end.isoformat(),
        "reason": ledger.reason,
        "tally": None if ledger.tally is None else ledger.tally.model_dump(),
        "cost_usd": ledger.cost_usd,
        "reserved_usd": ledger.reserved_usd,
    }


def show_batches(run_id: str, ledgers: Sequence[BatchLedger], now: datetime) -> None:
    """A table, a batch a line."""
    if not ledgers:
        out.print(f"{run_id} has no batch.", markup=False)
        return
    rows = [
        (
            str(ledger.number),
            ledger.model,
            "" if ledger.deployment is None else ledger.deployment,
            f"{ledger.file.n_lines:,}",
            f"${ledger.cost_usd:.4f}",
            _short(age_of(ledger, now)),
            _clock(expected_end(ledger, now)),
            _result(ledger),
        )
        for ledger in ledgers
    ]
    headers = ("batch", "model", "deployment", "requests", "cost", "age", "expected", "state")
    print_table("", headers, rows, right=(0, 3, 4, 5))


def show_batch(ledger: BatchLedger, now: datetime) -> None:
    """Everything about one batch."""
    for name, value in document(ledger, now).items():
        if name == "tally" and isinstance(value, dict):
            for key, count in value.items():
                out.print(f"{key:16} {count}", markup=False)
        elif value not in (None, ""):
            out.print(f"{name:16} {value}", markup=False)


def _result(ledger: BatchLedger) -> str:
    tally = ledger.tally
    if tally is None:
        return state_of(ledger)
    parts = [f"{n:,} {kind}" for kind, n in sorted(tally.kinds.items())]
    parts += [f"{n:,} {what}" for what, n in _beside(tally) if n]
    return f"{state_of(ledger)}: {', '.join(parts)}"


def _beside(tally: Tally) -> list[tuple[str, int]]:
    return [
        ("missing", tally.reasons.get(MISSING, 0)),
        ("not executed", tally.n_not_executed),
        ("to be asked again", tally.n_again),
    ]


def _short(age: timedelta | None) -> str:
    if age is None:
        return ""
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _clock(at: datetime | None) -> str:
    return "" if at is None else at.astimezone().strftime("%d %b %H:%M")


def now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)
