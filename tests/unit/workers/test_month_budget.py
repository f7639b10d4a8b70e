"""The month's budget: one bound over all runs of a store, folded again whenever nobody remembers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import wire
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from workers import connection
from workers.money.budget import Ask, RunBudget
from workers.money.month_budget import BothBudgets, MonthBudget
from workers.money.month_spend import MonthSpend

pytestmark = pytest.mark.redis
NOVEMBER = datetime(2026, 11, 22, tzinfo=UTC)


class Told:
    """A fold that says what it is told to."""

    def __init__(self, bounded: float = 0.0, others: float = 0.0) -> None:
        self.spent, self.asked = (bounded, others), 0

    def of(self, month: str) -> tuple[float, float]:
        assert month == "2026-11"
        self.asked += 1
        return self.spent


async def asked(budget, amount: float, times: int = 1) -> list[Ask]:
    said = [await budget.reserve(amount) for _ in range(times)]
    if said[0] is Ask.LATER:  # it was folded
        said = [await budget.reserve(amount), *said[1:]]
    return said


def month(redis, spend, limit: float = 1.0) -> MonthBudget:
    return MonthBudget(redis, limit, spend, lambda: NOVEMBER)


async def test_month_budget_counts_what_all_runs_of_the_store_spent(redis_url):
    redis = connection.on_loop(redis_url)
    budget = month(redis, Told(bounded=0.5, others=0.3))

    assert await asked(budget, 0.1) == [Ask.GRANTED]
    await budget.settle(0.1, 0.1)
    assert await budget.reserve(0.15) is Ask.NO
    assert await budget.reserve(0.05) is Ask.GRANTED
    await redis.aclose()


async def test_month_budget_waits_for_open_calls_before_it_says_no(redis_url):
    redis = connection.on_loop(redis_url)
    budget = month(redis, Told())

    assert await asked(budget, 0.6) == [Ask.GRANTED]
    assert await budget.reserve(0.6) is Ask.LATER
    await budget.settle(0.6, 0.2)
    assert await budget.reserve(0.6) is Ask.GRANTED
    await redis.aclose()


async def test_month_budget_is_folded_by_one_of_many_askers(redis_url):
    redis = connection.on_loop(redis_url)
    spend = Told()
    first, second = month(redis, spend), month(redis, spend)
    await redis.set(wire.month_folding("2026-11"), 1)  # somebody is at it

    assert await second.reserve(0.1) is Ask.LATER
    assert spend.asked == 0
    await redis.delete(wire.month_folding("2026-11"))
    assert await asked(first, 0.1) == [Ask.GRANTED]
    assert spend.asked == 1
    await redis.aclose()


async def test_refusal_by_the_run_leaves_nothing_reserved_in_the_month(redis_url):
    redis = connection.on_loop(redis_url)
    whole = month(redis, Told())
    both = BothBudgets(RunBudget(redis, "r", 0.1, lambda: 0.0), whole)
    await asked(whole, 0.0)
    await both.reserve(0.05)

    assert await both.reserve(0.5) is Ask.NO
    assert "month" not in both.refusal
    assert int(await redis.hget(wire.month_budget("2026-11"), "committed")) <= 50_000_000
    await redis.aclose()


def test_month_spend_counts_answers_of_the_month_only(tmp_path: Path):
    store = open_run(write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8), tmp_path / "runs")
    october = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    flip = iter(range(1000))
    this = datetime.now(UTC)

    land(store, "r", lambda _: {"cost_usd": 0.25, "created_at": october if next(flip) % 4 == 0 else this})
    spent = MonthSpend(store).of(f"{this:%Y-%m}")

    assert spent == pytest.approx((0.0, 12 * 0.25))
