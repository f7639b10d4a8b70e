"""Runs whose arms go through the Batch API of an emulator: a study, a fleet with short waits, looks at the ledgers."""

from pathlib import Path
from typing import Any

from schemas.batches import BatchLedger
from tests.support.fleet import Fleet, study_of
from workers.batch.ledger import BatchShelf

SPEED = 500.0
"""Seconds of batch time in a real one."""
QUICK = {"batch_poll_s": 0.2, "batch_search_s": 2.0, "batch_backoff_s": 0.1, "rescue_margin_s": 1.0}
"""Settings of workers for an accelerated service."""


def batch_study(
    fleet: Fleet, *, lines: int = 20, arm_keys: str = "transport: batch", keys: str = "", **options: Any
) -> Path:
    """A small study whose arms are asked in batches of so many lines."""
    deployment = f'base_url: "{fleet.emulator.base_url}", max_lines: {lines}' + (f", {keys}" if keys else "")
    return study_of(fleet, arm_keys=arm_keys, batch=options.pop("batch", [deployment]), **options)


def ledgers(fleet: Fleet, run_id: str = "run") -> list[BatchLedger]:
    """All batches of a run."""
    return BatchShelf(fleet.store, run_id).ledgers()


def quick(fleet: Fleet) -> None:
    """Short waits for every worker started from now on."""
    fleet.environ |= {f"NIGHTPOLL_{name.upper()}": str(value) for name, value in QUICK.items()}
