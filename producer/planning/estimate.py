"""What a plan will take: completion tokens, cost with an interval, time at the stated quotas. Pure.

Formulas and their reasons: docs/design/plan.md, section "Estimates".
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from producer.prompting.strategies import Strategy
from providers.prices import cost_usd, price_of
from providers.replies import Usage
from schemas.models import Deployment, Model

REASONING_EXPECTED_TOKENS = 300
"""Hidden tokens of a reasoning model for one survey question, planned for."""
REASONING_HIGH_TOKENS = 2000


class Completion(NamedTuple):
    """Completion tokens of one request, over all its turns.

    Attributes:
        limit: what a quota that counts maxima books; the parameters' own limit, else `high`.
        n_turns: calls that a request takes, each with an equal part of all this.
    """

    low: int
    expected: int
    high: int
    limit: int
    n_turns: int = 1

    @property
    def limit_of_turn(self) -> int:
        """The most one call may answer."""
        return self.limit // self.n_turns


def completion_of(strategy: Strategy, *, is_reasoning: bool, limit: int | None) -> Completion:
    """Completion tokens of one request of a strategy.

    Args:
        strategy: how long its answers usually are.
        is_reasoning: the model thinks unseen before it answers, which is billed.
        limit: token limit in the parameters, None if there is none.
    """
    expected = strategy.expected_tokens + (REASONING_EXPECTED_TOKENS if is_reasoning else 0)
    high = strategy.high_tokens + (REASONING_HIGH_TOKENS if is_reasoning else 0)
    n = strategy.n_turns
    if limit is None:
        return Completion(n * strategy.low_tokens, n * expected, n * high, n * high, n)
    return Completion(n * min(strategy.low_tokens, limit), n * min(expected, limit), n * limit, n * limit, n)


@dataclass
class Load:
    """Sums over the distinct requests of one model."""

    n_requests: int = 0
    n_later_calls: int = 0
    prompt_tokens: int = 0
    low_tokens: int = 0
    expected_tokens: int = 0
    high_tokens: int = 0
    max_tokens: int = 0

    def __add__(self, other: "Load") -> "Load":
        """Both."""
        return Load(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def add(self, prompt_tokens: int, completion: Completion) -> None:
        """Count one request."""
        self.n_requests += 1
        self.n_later_calls += completion.n_turns - 1
        self.prompt_tokens += prompt_tokens
        self.low_tokens += completion.low
        self.expected_tokens += completion.expected
        self.high_tokens += completion.high
        self.max_tokens += prompt_tokens + completion.limit


class Cost(NamedTuple):
    """US dollars."""

    low: float
    expected: float
    high: float


def cost_of(model: Model, load: Load, *, margin: float, at: datetime, batch: bool = False) -> Cost | None:
    """Cost of a model's requests; None if the model has no price.

    The interval spans a terse answer to the token limit, and the token counter's margin; nothing is counted as
    cached, and no call as repeated.

    Args:
        model: its price, or the shipped table's.
        load: sums over its requests.
        margin: share by which the prompt count may be short, 0.0 for a known vocabulary.
        at: moment whose prices hold.
        batch: the Batch API's price.
    """
    price = price_of(model, at=at)
    if price is None:
        return None

    def dollars(prompt_tokens: float, completion_tokens: int) -> float:
        return cost_usd(Usage(round(prompt_tokens), 0, completion_tokens, 0), price, batch=batch)

    return Cost(
        dollars(load.prompt_tokens, load.low_tokens),
        dollars(load.prompt_tokens, load.expected_tokens),
        dollars(load.prompt_tokens * (1 + margin), load.high_tokens),
    )


class Pool(NamedTuple):
    """Limits of a quota pool; of several stated ones the smallest counts."""

    requests_per_min: float
    tokens_per_min: float
    counts_maxima: bool


def pools_of(model: Model) -> dict[str, Pool]:
    """Quota pools that serve a model, by name."""
    pools: dict[str, Pool] = {}
    for deployment in model.deployments:
        pool = _pool(model, deployment)
        known = pools.get(deployment.pool_name, pool)
        pools[deployment.pool_name] = Pool(
            min(known.requests_per_min, pool.requests_per_min),
            min(known.tokens_per_min, pool.tokens_per_min),
            known.counts_maxima or pool.counts_maxima,
        )
    return pools


def _pool(model: Model, deployment: Deployment) -> Pool:
    counting = deployment.quota_counting
    if counting is None:
        counting = "actual" if model.provider == "openai" else "max_tokens"
    tokens = float("inf") if deployment.tpm is None else float(deployment.tpm)
    return Pool(float(deployment.rpm), tokens, counting == "max_tokens")


def time_s(models: Mapping[str, Model], loads: Mapping[str, Load]) -> float:
    """Seconds until the last request may go out at the stated quotas.

    Each model's requests spread over its pools in proportion to their requests a minute; a pool that serves several
    models adds up what they bring; the slowest pool decides.
    """
    minutes_by_pool: dict[str, tuple[float, float]] = {}
    for name, load in loads.items():
        pools = pools_of(models[name])
        total = sum(pool.requests_per_min for pool in pools.values())
        for pool_name, pool in pools.items():
            share = pool.requests_per_min / total
            tokens = load.max_tokens if pool.counts_maxima else load.prompt_tokens + load.expected_tokens
            for_requests, for_tokens = minutes_by_pool.get(pool_name, (0.0, 0.0))
            minutes_by_pool[pool_name] = (
                for_requests + share * (load.n_requests + load.n_later_calls) / pool.requests_per_min,
                for_tokens + share * tokens / pool.tokens_per_min,
            )
    return 60.0 * max((max(pair) for pair in minutes_by_pool.values()), default=0.0)


def size_limit(model: Model) -> tuple[float, bool]:
    """(tokens, counts maxima) of the largest request that a whole minute of some pool can hold."""
    pools = pools_of(model).values()
    if not pools:
        return float("inf"), False  # batches alone: nothing is counted by the minute
    largest = max(pools, key=lambda pool: (pool.tokens_per_min, not pool.counts_maxima))
    return largest.tokens_per_min, largest.counts_maxima
