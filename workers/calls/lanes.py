"""Lanes: one open client, one limiter and one health record per deployment in this process."""

import asyncio
from collections.abc import Mapping, Sequence

from providers.clients import ChatClient, open_client
from providers.prices import price_of
from schemas.models import Deployment, Model, Price
from workers.calls.requests import PlannedRequest
from workers.calls.spelling import Spelling
from workers.limits.breaker import Breaker
from workers.limits.estimates import UsageEstimates
from workers.limits.gate import AdaptiveGate
from workers.limits.limiter import PoolLimiter
from workers.limits.pool_hints import PoolHints
from workers.limits.quota_server import Quota, QuotaServer


class Lane:
    """A deployment as this process sees it.

    Until the first response came, calls go one at a time: a wrong key costs one call, not hundreds.

    Attributes:
        largest_served: tokens that the largest answered call booked.
        is_paused: told to come back in a day, or a new deployment is not found; and nothing was answered since.
    """

    def __init__(
        self, model: Model, deployment: Deployment, client: ChatClient, limiter: PoolLimiter, most_open: int
    ) -> None:
        self.model = model
        self.deployment = deployment
        self.client = client
        self.limiter = limiter
        self.gate = AdaptiveGate(most_open)
        self.breaker = Breaker()
        self.usage = UsageEstimates()
        self.hints = PoolHints(limiter)
        self.spelling = Spelling()
        self.largest_served = 0
        self.is_paused = False
        self.price: Price | None = price_of(model)
        self.probe = asyncio.Lock()
        self.counts_maxima = counts_maxima(model, deployment)

    def quota_tokens(self, request: PlannedRequest) -> int:
        """What one call books: the maximum where the service counts maxima, else what such calls used so far."""
        return request.max_tokens if self.counts_maxima else self.usage.tokens(request)

    def fits(self, request: PlannedRequest) -> bool:
        """Whether a whole minute of the pool holds the call; of several pools one does, or the plan had refused it."""
        tpm = self.deployment.tpm
        return tpm is None or self.quota_tokens(request) <= tpm


def counts_maxima(model: Model, deployment: Deployment) -> bool:
    """Azure counts prompt plus maximum at arrival, OpenAI what was used; the deployment may say otherwise."""
    counting = deployment.quota_counting
    if counting is None:
        return model.provider != "openai"
    return counting == "max_tokens"


class Lanes:
    """All lanes of a process, opened when first needed."""

    def __init__(self, server: QuotaServer, environ: Mapping[str, str], most_open: int) -> None:
        self._server = server
        self._most_open = most_open
        self._environ = environ
        self._lanes: dict[str, list[Lane]] = {}
        self._limiters: dict[Quota, PoolLimiter] = {}

    def of_model(self, model: Model) -> list[Lane]:
        """The lanes of a model.

        Raises:
            SettingsError: a key is missing in this process's environment.
        """
        key = model.model_dump_json()
        if key not in self._lanes:
            self._lanes[key] = [self._open(model, deployment) for deployment in model.deployments]
        return self._lanes[key]

    def drop(self, owner: object) -> None:
        """Send an owner's waiting calls away, at every pool."""
        for limiter in self._limiters.values():
            limiter.drop(owner)

    async def close(self) -> None:
        """Close every client."""
        for lanes in self._lanes.values():
            for lane in lanes:
                await lane.client.close()

    def _open(self, model: Model, deployment: Deployment) -> Lane:
        quota = Quota(deployment.pool_name, deployment.rpm, deployment.tpm)
        limiter = self._limiters.setdefault(quota, PoolLimiter(quota, self._server))
        client = open_client(model, deployment, environ=self._environ)
        return Lane(model, deployment, client, limiter, self._most_open)


def usable(lanes: Sequence[Lane], now_s: float) -> list[Lane]:
    """Lanes whose breaker lets calls through."""
    return [lane for lane in lanes if not lane.breaker.is_open(now_s)]


def least_busy(lanes: Sequence[Lane]) -> Lane:
    """The lane whose pool would serve one more call the soonest."""
    return min(lanes, key=lambda lane: (lane.limiter.n_waiting + 1) / lane.deployment.rpm)


def hope_for(lanes: Sequence[Lane], fallback: Sequence[Lane], now_s: float) -> None:
    """At the start of a shard: what had been given up may be tried again with one call.

    A shard comes although nobody was left only if its run was resumed since; beside a fallback that answers, the
    model's own deployments are tried once in a while and without patience.
    """
    if any(lane.breaker.gone is None for lane in lanes):
        return
    somebody_answers = any(lane.breaker.gone is None for lane in fallback)
    for lane in lanes:
        if not somebody_answers or not lane.breaker.is_open(now_s):
            lane.breaker.hope_again(patient=not somebody_answers)
    if not somebody_answers:
        for lane in fallback:
            lane.breaker.hope_again()
