"""Hosting of tuned models in the budget of a month."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.models import Model
from schemas.tuning import DeployedAt, TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import change_ledger
from workers import connection
from workers.money.budget import Ask
from workers.money.month_budget import MonthBudget
from workers.money.month_spend import MonthSpend

NOW = datetime(2026, 11, 2, tzinfo=UTC)
ENDPOINT = {"name": "d", "base_url": "http://127.0.0.1:9", "rpm": 1}
ENTRY = Model.model_validate({"provider": "openai", "model": "m", "deployments": [ENDPOINT]})


def hosting_store(folder: Path, *, hours: int, usd_per_hour: float) -> Store:
    """A store with one job whose model has been deployed for so many hours."""
    store = open_store(str(folder / "runs"))
    since = NOW - timedelta(hours=hours)
    deployed = DeployedAt(name="d", sku="Standard", capacity=1, since=since, usd_per_hour=usd_per_hour)
    ledger = TuningLedger(key="k", entry_name="m", entry=ENTRY, model="m", created_at=NOW, deployments=[deployed])
    change_ledger(store, "k", lambda _: ledger)
    return store


def test_hosting_counts_in_its_months_and_in_no_run(tmp_path: Path) -> None:
    spend = MonthSpend(hosting_store(tmp_path, hours=48, usd_per_hour=1.5), lambda: NOW)

    assert [spend.of(month) for month in ("2026-09", "2026-10", "2026-11")] == [(0, 0), (0, 36.0), (0, 36.0)]


def test_damaged_job_stops_no_sum(tmp_path: Path) -> None:
    store = hosting_store(tmp_path, hours=48, usd_per_hour=1.5)
    change_ledger(
        store, "damaged", lambda _: TuningLedger(key="b", entry_name="m", entry=ENTRY, model="m", created_at=NOW)
    )
    for file in store.path(".nightpoll/tuning/jobs/damaged").iterdir():
        file.chmod(0o600)
        file.write_text("{", encoding="utf-8")

    assert MonthSpend(store, lambda: NOW).of("2026-11") == (0, 36.0)


@pytest.mark.redis
async def test_hosting_leaves_less_of_the_month_for_calls(redis_url: str, tmp_path: Path) -> None:
    redis = connection.on_loop(redis_url)
    spend = MonthSpend(hosting_store(tmp_path, hours=10, usd_per_hour=1.0), lambda: NOW)
    budget = MonthBudget(redis, 11.0, spend, lambda: NOW)

    assert await budget.reserve(0.9) is Ask.LATER, "it was folded"
    assert await budget.reserve(0.9) is Ask.GRANTED
    await budget.settle(0.9, 0.9)
    assert await budget.reserve(0.2) is Ask.NO
    assert await budget.reserve(0.05) is Ask.GRANTED
    await redis.aclose()
