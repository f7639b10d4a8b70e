"""What training costs, and in which month it was bought. Pure.

Source: cost management page of Azure OpenAI fine-tuning, read 2026-11-22: queueing, failed jobs and jobs cancelled
before training are not billed; a job cancelled later is billed for the work done.
"""

from collections.abc import Iterable
from datetime import datetime

from schemas.tuning import TuningLedger


def training_cost(ledger: TuningLedger) -> float | None:
    """US$ of a training at the price of the models file; None without a price or count."""
    price = None if ledger.entry.tuning is None else ledger.entry.tuning.usd_per_million_tokens
    if price is None:
        return None
    if ledger.trained_tokens is not None:
        return ledger.trained_tokens * price / 1e6
    return ledger.estimated_usd


def is_bought(ledger: TuningLedger) -> bool:
    """A job exists at the service, or may exist because its creation was begun; one that failed is not billed."""
    may_exist = ledger.job_id is not None or ledger.intent == "create"
    return may_exist and (ledger.state != "failed" or bool(ledger.trained_tokens))


def bought_at(ledger: TuningLedger) -> datetime:
    """When the job was created; of a command that was cut off there, when it was begun."""
    return ledger.created_at if ledger.bought_at is None else ledger.bought_at


def bought_usd(ledgers: Iterable[TuningLedger], *, begin: datetime, end: datetime) -> float:
    """US$ of trainings bought in a time, each job once: what was trained, or as estimated while nobody knows.

    Args:
        ledgers: of any jobs; those without a price count nothing.
        begin: of the time, aware.
        end: just after it.
    """
    bought = (each for each in ledgers if is_bought(each) and begin <= bought_at(each) < end)
    return sum(usd for each in bought if (usd := training_cost(each)) is not None)
