"""deploy and undeploy: where a tuned model is asked, and under which name it is registered."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cli.tuning.context import needs_deployment, tuning_of, with_manager
from cli.tuning.dates import refuse_retired
from cli.tuning.entries import is_in_models_file, keep_entry, with_entry_of_today
from cli.tuning.jobs import as_it_is
from cli.views.console import err
from finetuning.deployments.deploy import (
    check_name,
    count_call,
    deploy,
    deployment_warnings,
    model_to_deploy,
    undeploy,
)
from finetuning.deployments.hosting import is_deployed
from finetuning.deployments.serving import ask_once, until_served
from finetuning.deployments.tuned_entry import serves_until
from finetuning.jobs.training_bill import training_cost
from finetuning.versions.registry import add_version
from finetuning.versions.registry import check_name as check_registered_name
from schemas.errors import SettingsError, UserInputError
from schemas.models import Model
from schemas.tuning import TuningLedger
from storage.store import Store
from storage.tuning_records import load_registry


def deploy_job(
    store: Store, ledger: TuningLedger, environ: Mapping[str, str], *, name: str | None, checkpoint: int | None,
    register: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Deploy where the service needs it, wait until it answers, and register the version under a name.

    Raises:
        UserInputError: a name breaks its rule, or there is no model; nothing was asked then.
        ModelError: the service refused, or cannot be reached.
        EnvironmentFailureError: it is deployed and answers to nobody.
    """
    deployment = _checked_names(ledger, name, register)
    ledger = with_entry_of_today(ledger)
    if ledger.tuned_model is None:
        ledger = as_it_is(store, ledger, environ)
    model = model_to_deploy(ledger, checkpoint)
    served = ledger.entry.model_copy(update={"retires_on": serves_until(ledger.entry), "model": model})
    refuse_retired(ledger.key, served)
    keep_entry(store, ledger)
    if deployment is not None:
        _deploy(store, ledger, environ, deployment, model)
    elif name is not None:
        _tell(f"--name is not used: {ledger.entry_name} is of a service that needs no deployment.")
    version = None
    if register is not None:
        version = add_version(
            store, register, ledger, model=model, deployment=deployment, cost_usd=training_cost(ledger),
            now=datetime.now(UTC),
        )  # fmt: skip
    label, state = (None, None) if version is None else (version.version, version.state)
    return {"model": model, "deployment": deployment, "registered": register, "version": label, "state": state}


def undeploy_job(store: Store, ledger: TuningLedger, environ: Mapping[str, str], name: str | None) -> list[str]:
    """Take the deployments of a job away, or one of them; returns their names.

    Raises:
        UserInputError: there is no such deployment.
    """
    found = [d for d in ledger.deployments if d.until is None and name in (None, d.name)]
    if not found:
        raise UserInputError("no such deployment of this job is there.", hint="`nightpoll finetune list` shows them.")
    for label in _in_service(store, {each.name for each in found}):
        _tell(f"{label} is live: runs that ask it stop until it is deployed again or another version is promoted.")
    for each in found:
        entry = _in_account(ledger.entry, each.account)
        with_manager(entry, environ, lambda manager, each=each: undeploy(store, manager, ledger, each.name))  # type: ignore[misc]
    return [each.name for each in found]


def _checked_names(ledger: TuningLedger, name: str | None, register: str | None) -> str | None:
    """Name of the deployment; None where the service needs none."""
    if register is not None:
        check_registered_name(register)
        if is_in_models_file(register):
            _tell(f"The models file has a model {register!r}, too: a study that writes it means that one, not this.")
    if not needs_deployment(ledger.entry):
        return None
    deployment = name if name is not None else f"{register if register is not None else 'tuned'}-{ledger.key[:8]}"
    check_name(deployment)
    return deployment


def _deploy(store: Store, ledger: TuningLedger, environ: Mapping[str, str], name: str, model: str) -> None:
    tuning, now = tuning_of(ledger.entry), datetime.now(UTC)
    for line in deployment_warnings(tuning):
        _tell(line)
    others = [d.name for d in ledger.deployments if d.name != name and d.until is None and is_deployed(d, now)]
    if others:
        _tell(f"The job has other deployments, which are billed too: {', '.join(others)}.")
    with_manager(
        ledger.entry,
        environ,
        lambda manager: deploy(store, manager, ledger, name=name, model=model, tuning=tuning, tell=_say),
    )
    _say(f"asking {name} for one token (about ten are billed) until the service knows it")

    async def ask() -> None:
        await ask_once(ledger.entry, name, environ, paid=partial(count_call, store, ledger.key, name))

    try:
        asyncio.run(until_served(name, ask, tell=_tell))
    except SettingsError as error:
        _tell(f"Whether {name} answers could not be asked: {error.what}")


def _in_service(store: Store, names: set[str]) -> list[str]:
    """Versions in service that are asked at these deployments."""
    live = ((name, model.live()) for name, model in load_registry(store).models.items())
    return [
        f"{name}@{version.version}"
        for name, version in live
        if version is not None and names & {d.deployment for d in version.entry.deployments}
    ]


def _in_account(entry: Model, account: str) -> Model:
    """The entry as it was when it was deployed there: a DELETE elsewhere would leave the deployment and its bill."""
    if not account:
        return entry
    return entry.model_copy(update={"tuning": tuning_of(entry).model_copy(update={"account": account})})


def _say(sentence: str) -> None:
    err.print(sentence, markup=False)


def _tell(sentence: str) -> None:
    err.print(sentence, style="yellow", markup=False)
