"""Which budgets a run's calls ask: its own, the month's, both or none."""

from redis.asyncio import Redis as AsyncRedis

from schemas.study import Budget as BudgetKeys
from storage.store import Store
from workers.money.budget import RunBudget
from workers.money.month_budget import BothBudgets, Budget, MonthBudget
from workers.money.month_spend import MonthSpend
from workers.progress import committed_usd


def budget_of(
    redis: AsyncRedis, store: Store, run_id: str, keys: BudgetKeys, raised_usd: float | None
) -> Budget | None:
    """What stands in the study, the run's bound replaced by what it was raised to; None without any bound."""
    limit_usd = keys.run_usd if raised_usd is None else raised_usd
    run = None
    if limit_usd is not None:
        run = RunBudget(redis, run_id, limit_usd, lambda: committed_usd(store, run_id))
    if keys.month_usd is None:
        return run
    return BothBudgets(run, MonthBudget(redis, keys.month_usd, MonthSpend(store)))
