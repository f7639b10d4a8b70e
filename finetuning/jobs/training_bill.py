"""What training costs, and in which month it was bought. Pure.

Source: cost management page of Azure OpenAI fine-tuning, read 2026-11-22: queueing, failed jobs and jobs cancelled
before training are not billed; a job cancelled later is billed for the work done.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.tuning import HELD_S, TuningLedger


def training_cost(ledger: TuningLedger) -> float | None:
    """US$ of a training at the price of the models file; None without a price or count."""
    price = None if ledger.entry.tuning is None else ledger.entry.tuning.usd_per_million_tokens
    if price is None:
        return None
    if ledger.trained_tokens is not None:
        return ledger.trained_tokens * price / 1e6
    return ledger.estimated_usd


def is_bought(ledger: TuningLedger, now: datetime) -> bool:
    """A job exists at the service, may exist because its creation was begun, or is being submitted at this moment.

    One that failed is not billed.
    """
    may_exist = ledger.job_id is not None or ledger.intent == "create" or _is_submitted(ledger, now)
    return may_exist and (ledger.state != "failed" or bool(ledger.trained_tokens))


def bought_at(ledger: TuningLedger) -> datetime:
    """When the job was created; while nobody has seen it created, when its command last wrote."""
    if ledger.bought_at is not None:
        return ledger.bought_at
    return ledger.created_at if ledger.held_at is None else ledger.held_at


def bought_usd(ledgers: Iterable[TuningLedger], *, now: datetime, begin: datetime, end: datetime) -> float:
    """US$ of trainings bought in a time, each job once: what was trained, or as estimated while nobody knows.

    Args:
        ledgers: of any jobs; those without a price count nothing.
        now: aware; tells which of them are being submitted.
        begin: of the time, aware.
        end: just after it.
    """
    bought = (each for each in ledgers if is_bought(each, now) and begin <= bought_at(each) < end)
    return sum(usd for each in bought if (usd := training_cost(each)) is not None)


def _is_submitted(ledger: TuningLedger, now: datetime) -> bool:
    """A command holds it. A dead one keeps its place until its time is over: rather too little is spent."""
    held_at = ledger.held_at
    return ledger.holder is not None and held_at is not None and now - held_at < timedelta(seconds=HELD_S)
