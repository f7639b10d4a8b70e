"""Lanes: one open client, one limiter and one health record per deployment in this process."""

import asyncio
from collections.abc import Mapping

from providers.clients import ChatClient, open_client
from providers.prices import price_of

from schemas.models import Deployment, Model, Price
from workers.limiter import PoolLimiter, Quota, QuotaServer

PATIENCE_UNPROVEN_S = 12.0
"""How long an endpoint that never answered may stay unreachable before the run stops."""
PATIENCE_PROVEN_S = 300.0
"""The same for one that did answer in this process."""


class Lane:
    """A deployment as this process sees it.

    Until the first response came, calls go one at a time: a wrong key costs one call, not hundreds.
    """

    def __init__(self, model: Model, deployment: Deployment, client: ChatClient, limiter: PoolLimiter) -> None:
        self.model = model
        self.deployment = deployment
        self.client = client
        self.limiter = limiter
        self.price: Price | None = price_of(model)
        self.proven = False
        self.probe = asyncio.Lock()
        self._unreachable_since_s: float | None = None

    @property
    def wire_name(self) -> str:
        """Name of the model on the wire."""
        name = self.deployment.deployment
        return self.model.model if name is None else name

    def quota_tokens(self, prompt_tokens: int, completion_tokens: int, max_tokens: int) -> int:
        """What one call books: the maximum where the service counts maxima, else the estimate."""
        counting = self.deployment.quota_counting
        if counting is None:
            counting = "actual" if self.model.provider == "openai" else "max_tokens"
        return max_tokens if counting == "max_tokens" else prompt_tokens + completion_tokens

    def responded(self) -> None:
        """Some response came."""
        self.proven = True
        self._unreachable_since_s = None

    def unreachable(self, now_s: float) -> bool:
        """No connection; True if patience has run out."""
        if self._unreachable_since_s is None:
            self._unreachable_since_s = now_s
        patience_s = PATIENCE_PROVEN_S if self.proven else PATIENCE_UNPROVEN_S
        return now_s - self._unreachable_since_s > patience_s


class Lanes:
    """All lanes of a process, opened when first needed."""

    def __init__(self, server: QuotaServer, environ: Mapping[str, str]) -> None:
        self._server = server
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
        return Lane(model, deployment, open_client(model, deployment, environ=self._environ), limiter)


def least_busy(lanes: list[Lane]) -> Lane:
    """The lane whose pool would serve one more call the soonest."""
    return min(lanes, key=lambda lane: lane.limiter.n_waiting / lane.deployment.rpm)
