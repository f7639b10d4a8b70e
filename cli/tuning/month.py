"""The month's budget before a training is bought."""

from collections.abc import Callable
from datetime import UTC, datetime

from finetuning.jobs.training_bill import bought_usd, is_bought
from schemas.dollars import dollars
from schemas.errors import BudgetError, UserInputError
from schemas.tuning import TuningLedger
from storage.store import Store
from workers.money.month_spend import MonthSpend, month_bounds


def refuse_over_month(
    store: Store,
    *,
    usd: float | None,
    limit_usd: float | None,
    known: TuningLedger | None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Let a training pass that the month has room for.

    Args:
        store: whose runs, hosting and trainings make up the month.
        usd: what the training is expected to cost; None: unknown.
        limit_usd: bound on the month; None: no bound, everything passes.
        known: the same job as begun before, which may stand in the sum already.
        now: the clock, aware.

    Raises:
        BudgetError: it would not fit, with the figures. UserInputError: nobody knows what it costs.
    """
    if limit_usd is None:
        return
    if usd is None:
        hint = "Add `tuning: {usd_per_million_tokens: ..}` to the entry of the models file."
        raise UserInputError("training has no price, so that the month's budget cannot be kept.", hint=hint)
    month = f"{now():%Y-%m}"
    spent = sum(MonthSpend(store, now).of(month))
    if known is not None and is_bought(known, now()):
        begin, end = month_bounds(month)
        spent -= bought_usd([known], now=now(), begin=begin, end=end)
    if spent + usd > limit_usd:
        what = (
            f"the training of about {dollars(usd)} does not fit into the month's budget: {dollars(spent)} of "
            f"{dollars(limit_usd)} are spent or reserved in {month}, {dollars(spent + usd - limit_usd)} are missing."
        )
        hint = (
            "Runs, hosting and trainings count, and what another command is submitting. Wait for the next month, or "
            "allow more with `--month-usd`."
        )
        raise BudgetError(what, hint=hint)
