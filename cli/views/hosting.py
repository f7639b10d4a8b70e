"""What the hosting of registered versions costs, for the registry's tables and for runs that ask them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cli.views.console import err
from finetuning.deployments.hosting import deployed_of, hosting_usd, hourly_usd, is_deployed, own_ends
from schemas.errors import NightpollError
from schemas.models import Model
from schemas.tuning import ModelVersion, RegisteredModel
from storage.runs import list_run_ids, load_events, load_manifest
from storage.store import Store
from storage.tuning_records import load_ledger, load_registry

Hosting = dict[str, Any]
"""what deploys it again, usd so far, usd_per_hour now, names of open deployments, sentences on what ends by itself."""


def hosting_of(store: Store, model: RegisteredModel, now: datetime) -> dict[str, Hosting]:
    """Version -> its hosting; versions that were never deployed are left out."""
    found = {version.version: _hosting(store, version, now) for version in model.versions}
    return {version: hosting for version, hosting in found.items() if hosting is not None}


def hosting_lines(store: Store, models: Mapping[str, Model], now: datetime) -> list[str]:
    """A sentence on each version among the models of a run whose hosting is billed now.

    Args:
        store: with registry and jobs.
        models: of a run or a checked study.
        now: aware.
    """
    asked = {model.version for model in models.values() if model.version is not None}
    if not asked:
        return []
    try:
        return _lines_of(store, asked, now)
    except NightpollError as error:
        return [f"what hosting costs cannot be told: {error.what}"]


def _lines_of(store: Store, asked: set[str], now: datetime) -> list[str]:
    lines = []
    for name, model in load_registry(store).models.items():
        for version in model.versions:
            label = f"{name}@{version.version}"
            hosting = _hosting(store, version, now) if label in asked else None
            if hosting is not None:
                lines += _told(label, hosting)
            if hosting is not None and not hosting["deployments"]:
                back = f"`nightpoll finetune deploy {hosting['again']} --register {name}` brings it back."
                lines.append(f"{label} is not deployed any more and cannot be asked; {back}")
    return lines


def show_hosting(store: Store, models: Mapping[str, Model], now: datetime) -> None:
    """The same below what a run will cost, before anything is spent."""
    for line in hosting_lines(store, models, now):
        err.print(f"  {line}", markup=False)


def _told(label: str, hosting: Hosting) -> list[str]:
    billed = []
    if hosting["usd_per_hour"]:
        text = f"hosting of {label}: ${hosting['usd_per_hour']:,.2f} an hour while deployed, used or not"
        billed = [f"{text}; ${hosting['usd']:,.2f} so far, not part of the run's cost"]
    return [*billed, *hosting["warnings"]]


def _hosting(store: Store, version: ModelVersion, now: datetime) -> Hosting | None:
    ledger = load_ledger(store, version.job)
    deployments = deployed_of(version, ledger)
    if ledger is None or not deployments:
        return None
    steps = (
        [] if version.model == ledger.tuned_model else [s for s, m in ledger.checkpoints.items() if m == version.model]
    )
    last_call = _last_asked(store, str(version.entry.version)) if any(d.until is None for d in deployments) else None
    return {
        "again": " ".join([version.job, f"--name {deployments[-1].name}", *(f"--checkpoint {s}" for s in steps)]),
        "usd": hosting_usd(deployments, now=now),
        "usd_per_hour": hourly_usd(deployments, now=now),
        "deployments": [d.name for d in deployments if is_deployed(d, now)],
        "warnings": own_ends(deployments, last_call=last_call, now=now),
    }


def _last_asked(store: Store, version: str) -> datetime | None:
    """When the last run that asks a version moved; a run that cannot be read says nothing."""
    found = []
    for run_id in list_run_ids(store):
        try:
            models = load_manifest(store, run_id).models.values()
            if any(model.version == version for model in models):
                found += [event.at for event in load_events(store, run_id)[-1:]]
        except NightpollError:
            continue
    return max(found, default=None)
