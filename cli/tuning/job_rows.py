"""A job as lists show it, with what it has cost."""

from datetime import datetime
from typing import Any

from finetuning.deployments.hosting import hosting_usd, is_deployed
from finetuning.jobs.training_bill import training_cost
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
        "training_usd": training_cost(ledger),
        "hosting_usd": hosting_usd(ledger.deployments, now=now),
        "deployments": [d.name for d in ledger.deployments if is_deployed(d, now)],
        "unconfirmed": [d.name for d in ledger.deployments if d.begun and is_deployed(d, now)],
        "error": ledger.error,
        "over": ledger.state in ENDED,
    }
