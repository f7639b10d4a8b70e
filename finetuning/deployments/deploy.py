"""Deploying tuned models on Azure: one at a time, polled, written down first; undeploying."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn

from finetuning.deployments.hosting import DEVELOPER_TIER
from providers.resource_manager import RemoteDeployment, ResourceManager
from schemas.errors import ModelError, ServiceRefusedError, TransientModelError, UserInputError
from schemas.models import Tuning
from schemas.tuning import AskedOnce, DeployedAt, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger

Pause = Callable[[float], Awaitable[None]]
Tell = Callable[[str], None]
LOOK_EVERY_S = 5.0
TELL_EVERY_S = 60.0
WITHIN_S = 3600.0
_MOST_BLIND = 12
_TO_ASK_FOR = ("Failed", "Canceled", "Deleting")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]")


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


def check_name(name: str) -> None:
    """The rule for the name of a deployment, which becomes a part of addresses.

    Raises:
        UserInputError: it breaks it.
    """
    if not _NAME.fullmatch(name):
        hint = "2 to 64 letters of A to Z, digits, '-', '_' and '.', a letter or digit at both ends."
        raise UserInputError(f"{name!r} cannot name a deployment.", where="--name", hint=hint)


async def deploy(
    store: Store,
    manager: ResourceManager,
    ledger: TuningLedger,
    *,
    name: str,
    model: str,
    tuning: Tuning,
    pause: Pause = asyncio.sleep,
    tell: Tell = lambda _: None,
) -> RemoteDeployment:
    """Deploy and wait until it has settled. Repeating is safe: the same deployment is found again.

    It is written down before it is asked for: a crash between the two loses no hour of hosting, and the repeat looks.

    Raises:
        UserInputError: the name serves another model.
        ServiceRefusedError: it ended in another state than Succeeded.
        ModelError: refused, or not settled in an hour.
    """
    found = await manager.get(name)
    if found is not None and found.model != model and found.state != "Deleting":
        what = f"the deployment {name!r} serves another model."
        raise UserInputError(what, where="--name", hint="Take another name, or undeploy it first.")
    _begin(store, ledger.key, name, tuning, is_there=found is not None and found.state not in _TO_ASK_FOR)
    wait, is_sure = _Wait(pause, tell), True
    while found is None or found.state in _TO_ASK_FOR:
        try:
            found = await manager.put(name, model=model, sku=tuning.sku, capacity=tuning.capacity)
        except TransientModelError as error:  # another deployment is being made, or the answer was lost
            is_sure = is_sure and error.code == "conflict"
            why = " It makes one deployment at a time: waiting." if error.code == "conflict" else ""
            await wait.once(error, f"{name}: {error.what}{why}")
            found = await manager.get(name) if error.code != "conflict" else None
        except ModelError:
            if is_sure:  # no earlier try that may have been taken
                _drop(store, ledger.key, name)
            raise
    while not found.is_settled:
        await wait.once(TransientModelError("The deployment does not settle.", code="slow"), f"{name}: {found.state}")
        found = await _looked(manager, name, found, wait)
    if found.state != "Succeeded":
        _refuse(store, ledger.key, name, found.state)
    _confirm(store, ledger.key, name)
    tell(f"{name}: {found.state}")
    return found


def _refuse(store: Store, key: str, name: str, state: str) -> NoReturn:
    """Close the books on a deployment that does not serve, and say how it ended."""
    if state in ("Failed", "Canceled"):
        _drop(store, key, name)
    close(store, key, name)
    hint = f"`nightpoll finetune deploy {key}` tries again; the account's activity log says why."
    what = f"The deployment {name} ended in state {state}."
    raise ServiceRefusedError(what, code="deployment_failed", hint=hint)


async def undeploy(
    store: Store, manager: ResourceManager, ledger: TuningLedger, name: str, *, pause: Pause = asyncio.sleep
) -> None:
    """Take a deployment away; the model stays and can be deployed again. Calling twice is safe."""
    await manager.delete(name)
    wait = _Wait(pause, lambda _: None)
    while await manager.get(name) is not None:
        await wait.once(TransientModelError("The deployment does not go.", code="slow"), "")
    close(store, ledger.key, name)


def close(store: Store, key: str, name: str) -> None:
    """Write down that a deployment is gone."""
    _change_open(store, key, name, {"until": datetime.now(UTC), "begun": False})


def count_call(store: Store, key: str, name: str, usd: float) -> None:
    """Write down what a call cost that looked whether a deployment answers: no run's, but the month's.

    Args:
        store: with the ledger.
        key: of the job.
        name: of the deployment.
        usd: of the call.
    """
    call = AskedOnce(at=datetime.now(UTC), usd=usd)

    def counted(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        kept = [
            d.model_copy(update={"asked": [*d.asked, call]}) if d.name == name and d.until is None else d
            for d in before.deployments
        ]
        return before.model_copy(update={"deployments": kept})

    change_ledger(store, key, counted)


def deployment_warnings(tuning: Tuning) -> list[str]:
    """What happens to a deployment by itself."""
    if tuning.sku == DEVELOPER_TIER:
        return ["The developer tier has no hourly fee and no promise; Azure removes the deployment after 24 hours."]
    price = "" if tuning.usd_per_hour is None else f" US$ {tuning.usd_per_hour:.2f} an hour, used or not."
    return [
        f"Hosting is billed until you undeploy:{price or ' at the price of your contract.'}",
        "Azure deletes a deployment after 15 days without a call; the model stays and can be deployed again.",
    ]


def _begin(store: Store, key: str, name: str, tuning: Tuning, *, is_there: bool) -> None:
    """A line before the first PUT. An open one of a deployment that is not there ends, or never came to anything."""
    now = datetime.now(UTC)

    def written(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        if is_there and any(d.name == name and d.until is None for d in before.deployments):
            return before
        added = DeployedAt(
            name=name, sku=tuning.sku, capacity=tuning.capacity, since=now, usd_per_hour=tuning.usd_per_hour,
            begun=True, account=tuning.account if tuning.account is not None else "",
        )  # fmt: skip
        kept = [
            d.model_copy(update={"until": now}) if d.name == name and d.until is None else d
            for d in before.deployments
            if not (d.name == name and d.until is None and d.begun)
        ]
        return before.model_copy(update={"deployments": [*kept, added]})

    change_ledger(store, key, written)


def _confirm(store: Store, key: str, name: str) -> None:
    _change_open(store, key, name, {"begun": False})


def _drop(store: Store, key: str, name: str) -> None:
    """The service refused what was written down: there is nothing to pay for."""

    def dropped(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        kept = [d for d in before.deployments if not (d.name == name and d.until is None and d.begun)]
        return before.model_copy(update={"deployments": kept})

    change_ledger(store, key, dropped)


def _change_open(store: Store, key: str, name: str, changes: dict[str, object]) -> None:
    def changed(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "deployed jobs have a ledger"
        kept = [d.model_copy(update=changes) if d.name == name and d.until is None else d for d in before.deployments]
        return before.model_copy(update={"deployments": kept})

    change_ledger(store, key, changed)


async def _looked(manager: ResourceManager, name: str, found: RemoteDeployment, wait: "_Wait") -> RemoteDeployment:
    """As it is now; what was seen last where the service cannot be asked for a moment."""
    try:
        again = await manager.get(name)
    except TransientModelError as error:
        wait.blind(error)
        return found
    wait.n_blind = 0
    return found if again is None else again


class _Wait:
    """Patience that ends, and what is told meanwhile: every change, and a sign of life each minute."""

    def __init__(self, pause: Pause, tell: Tell) -> None:
        self._pause = pause
        self._tell = tell
        self._told = ""
        self._waited_s = 0.0
        self.n_blind = 0

    async def once(self, error: TransientModelError, sentence: str) -> None:
        """Wait a little; raises the error when an hour is over."""
        if self._waited_s >= WITHIN_S:
            raise error
        if sentence != self._told or self._waited_s % TELL_EVERY_S == 0:
            self._told = sentence
            self._tell(sentence)
        await self._pause(LOOK_EVERY_S)
        self._waited_s += LOOK_EVERY_S

    def blind(self, error: TransientModelError) -> None:
        """A look failed; raises its error when many did in a row."""
        self.n_blind += 1
        if self.n_blind >= _MOST_BLIND:
            raise error
