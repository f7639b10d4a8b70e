"""The cost of a plan in words."""

from schemas.dollars import dollars
from schemas.run import PlanTotals


def cost_words(totals: PlanTotals) -> str:
    """`about $3.20 ($2.90 to $3.60)`, or that nobody knows."""
    if totals.cost_usd is None or totals.cost_low_usd is None or totals.cost_high_usd is None:
        return "unknown: a model has no price"
    return f"about {dollars(totals.cost_usd)} ({dollars(totals.cost_low_usd)} to {dollars(totals.cost_high_usd)})"
