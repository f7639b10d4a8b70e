"""Open clients of batch deployments on one event loop, and how often they may be asked."""

import asyncio
from collections.abc import Mapping

from providers.batch_client import BatchClient, open_batch_client
from schemas.models import BatchDeployment, Model


class Pace:
    """No more calls a minute than a deployment allows."""

    def __init__(self, calls_per_min: int) -> None:
        self._every_s = 60.0 / calls_per_min
        self._next_s = 0.0

    async def turn(self) -> None:
        """Wait for the next call's moment."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + self._every_s
        if at_s > now_s:
            await asyncio.sleep(at_s - now_s)


class BatchClients:
    """One client per model and deployment, opened when first needed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._open: dict[str, tuple[BatchClient, Pace]] = {}

    async def of(self, model: Model, deployment: BatchDeployment) -> BatchClient:
        """The client, once it may be asked.

        Raises:
            SettingsError: the key's variable is not set in this process.
        """
        key = f"{model.provider} {model.api_version} {deployment.model_dump_json()}"
        if key not in self._open:
            client = open_batch_client(model, deployment, environ=self._environ, endpoint=deployment.create_endpoint)
            self._open[key] = (client, Pace(deployment.rpm))
        client, pace = self._open[key]
        await pace.turn()
        return client

    async def close(self) -> None:
        """Close all of them."""
        for client, _ in self._open.values():
            await client.close()
        self._open.clear()
