"""A job as lists show it, with what it has cost."""

from datetime import datetime
from typing import Any

from finetuning.deployments.hosting import hosting_usd, is_deployed
from finetuning.jobs.training_bill import is_bought, training_cost
from schemas.tuning import ENDED, TuningLedger


def job_row(ledger: TuningLedger, now: datetime) -> dict[str, Any]:
    """A job as a list shows it."""
    return {
        "key": ledger.key,
        "job": ledger.job_id,
        "state": ledger.state,
        "base": ledger.model,
        "model": ledger.tuned_model,
        "created_at": ledger.created_at,
        "trained_tokens": ledger.trained_tokens,
        "training_usd": _bought_usd(ledger, now),
        "hosting_usd": hosting_usd(ledger.deployments, now=now),
        "deployments": [d.name for d in ledger.deployments if is_deployed(d, now)],
        "unconfirmed": [d.name for d in ledger.deployments if d.begun and is_deployed(d, now)],
        "error": ledger.error,
        "over": ledger.state in ENDED,
    }


def _bought_usd(ledger: TuningLedger, now: datetime) -> float | None:
    """As the month counts it: nothing for a job that was never created, or that failed."""
    usd = training_cost(ledger)
    return usd if usd is None or is_bought(ledger, now) else 0.0
