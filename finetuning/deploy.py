"""Deploying tuned models on Azure: one at a time, polled, written down first; undeploying."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from finetuning.hosting import DEVELOPER_TIER
from providers.resource_manager import RemoteDeployment, ResourceManager
from schemas.errors import ServiceRefusedError, TransientModelError, UserInputError
from schemas.models import Tuning
from schemas.tuning import DeployedAt, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger

Pause = Callable[[float], Awaitable[None]]
LOOK_EVERY_S = 5.0
WITHIN_S = 3600.0


def model_to_deploy(ledger: TuningLedger, checkpoint: int | None) -> str:
    """The tuned model of a job, or its checkpoint at a step.

    Raises:
        UserInputError: there is none.
    """
    if checkpoint is not None:
        found = ledger.checkpoints.get(checkpoint)
        if found is None:
            steps = ", ".join(map(str, sorted(ledger.checkpoints))) or "none is known"
            raise UserInputError(
                f"there is no checkpoint at step {checkpoint}.", where="--checkpoint", hint=f"{steps}."
            )
        return found
    if ledger.tuned_model is None:
        hint = f"Its state is {ledger.state}; `nightpoll finetune watch {ledger.key}` waits for its end."
        raise UserInputError(f"the job {ledger.key} has no model.", hint=hint)
    return ledger.tuned_model


async def deploy(
    store: Store,
    manager: ResourceManager,
    ledger: TuningLedger,
    *,
    name: str,
    model: str,
    tuning: Tuning,
    pause: Pause = asyncio.sleep,
) -> RemoteDeployment:
    """Deploy and wait until it serves. Repeating is safe: the same deployment is found again.

    Raises:
        ServiceRefusedError: it ended in another state than Succeeded.
        ModelError: refused, or not settled in an hour.
    """
    found = await manager.get(name)
    if found is not None and found.model != model and found.state != "Deleting":
        what = f"the deployment {name!r} serves another model."
        raise UserInputError(what, where="--name", hint="Take another name, or undeploy it first.")
    waited_s = 0.0
    while found is None or found.state in ("Failed", "Canceled", "Deleting"):
        try:
            found = await manager.put(name, model=model, sku=tuning.sku, capacity=tuning.capacity)
        except TransientModelError as error:  # another deployment is being made, or the answer was lost
            waited_s = await _waited(waited_s, error, pause)
            found = await manager.get(name) if error.code != "conflict" else None
    _write(store, ledger.key, name, tuning, since=datetime.now(UTC))
    while not found.is_settled:
        waited_s = await _waited(waited_s, TransientModelError("The deployment does not settle.", code="slow"), pause)
        again = await manager.get(name)
        found = found if again is None else again
    if found.state != "Succeeded":
        close(store, ledger.key, name)
        raise ServiceRefusedError(f"The deployment ended in state {found.state}.", code="deployment_failed")
    return found


async def undeploy(
    store: Store, manager: ResourceManager, ledger: TuningLedger, name: str, *, pause: Pause = asyncio.sleep
) -> None:
    """Take a deployment away; the model stays and can be deployed again. Calling twice is safe."""
    await manager.delete(name)
    waited_s = 0.0
    while await manager.get(name) is not None:
        waited_s = await _waited(waited_s, TransientModelError("The deployment does not go.", code="slow"), pause)
    close(store, ledger.key, name)


def close(store: Store, key: str, name: str) -> None:
    """Write down that a deployment is gone."""
    now = datetime.now(UTC)

    def closed(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        kept = [
            d.model_copy(update={"until": now}) if d.name == name and d.until is None else d for d in before.deployments
        ]
        return before.model_copy(update={"deployments": kept})

    change_ledger(store, key, closed)


def deployment_warnings(tuning: Tuning) -> list[str]:
    """What happens to a deployment by itself."""
    if tuning.sku == DEVELOPER_TIER:
        return ["The developer tier has no hourly fee and no promise; Azure removes the deployment after 24 hours."]
    price = "" if tuning.usd_per_hour is None else f" US$ {tuning.usd_per_hour:.2f} an hour, used or not."
    return [
        f"Hosting is billed until you undeploy:{price or ' at the price of your contract.'}",
        "Azure deletes a deployment after 15 days without a call; the model stays and can be deployed again.",
    ]


def _write(store: Store, key: str, name: str, tuning: Tuning, *, since: datetime) -> None:
    def written(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        if any(d.name == name and d.until is None for d in before.deployments):
            return before
        added = DeployedAt(
            name=name, sku=tuning.sku, capacity=tuning.capacity, since=since, usd_per_hour=tuning.usd_per_hour
        )
        return before.model_copy(update={"deployments": [*before.deployments, added]})

    change_ledger(store, key, written)


async def _waited(waited_s: float, error: TransientModelError, pause: Pause) -> float:
    if waited_s >= WITHIN_S:
        raise error
    await pause(LOOK_EVERY_S)
    return waited_s + LOOK_EVERY_S
