"""submit, watch, results, deploy: what speaks to the service that trains."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.context import load_settings
from cli.tuning.context import (
    check_suffix,
    is_simulated,
    model_entry,
    needs_deployment,
    tuning_of,
    with_client,
    with_manager,
)
from cli.views.console import err, out
from finetuning.curves import sparkline, warnings_of
from finetuning.deploy import deploy, deployment_warnings, model_to_deploy, undeploy
from finetuning.hosting import hosting_usd, is_deployed
from finetuning.lineage import unproven
from finetuning.prepare import MANIFEST, read_tuning_manifest
from finetuning.registry import add_version
from finetuning.submit import Submission, TrainingFiles
from finetuning.training_bill import training_cost
from finetuning.watching import Looked, look
from providers.tuning_client import TuningClient
from schemas.errors import ExitCode, NightpollError, UserInputError
from schemas.models import Model
from schemas.tuning import ENDED, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger, job_key, keep_manifest, load_ledger

WATCH_EVERY_S = 10.0
_TOLD = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")


@dataclass(frozen=True)
class Wanted:
    """A job as the command line asks for it.

    Attributes:
        start_from: a tuned model to go on from; None: the entry's base model.
        again: makes another job of what has been trained before.
    """

    entry_name: str
    entry: Model
    suffix: str | None = None
    hyperparameters: Mapping[str, Any] | None = None
    seed: int | None = None
    start_from: str | None = None
    again: int = 0


def begun_ledger(store: Store, training: Path, validation: Path | None, wanted: Wanted) -> TuningLedger:
    """The ledger of a job, not written yet; the same files and settings have the same key.

    Raises:
        UserInputError: a file is missing, or is not the one of its manifest.
    """
    check_suffix(wanted.entry, wanted.suffix)
    hashes = [_sha256(path) for path in (training, validation) if path is not None]
    manifest_id, manifest = None, None
    if (training.parent / MANIFEST).exists():
        manifest = read_tuning_manifest(training.parent)
        if manifest.training.sha256 != hashes[0]:
            hint = "Prepare again; edited files cannot be proven to hold training respondents only."
            raise UserInputError("the file is not the one its manifest tells of.", where=str(training), hint=hint)
        manifest_id = keep_manifest(store, manifest)
    seen = unproven(store, manifest, wanted.start_from)
    tuning, asked = tuning_of(wanted.entry), dict(wanted.hyperparameters or {})
    base = tuning.base if tuning.base is not None else wanted.entry.model
    model = wanted.start_from if wanted.start_from is not None else base
    settings = repr(sorted(asked.items()))
    place = ["emulator"] if is_simulated(wanted.entry) else []  # a rehearsal is no start at the real service
    parts = (model, wanted.entry_name, str(wanted.suffix), str(wanted.seed), settings, str(wanted.again))
    key = job_key(*hashes, *parts, *place)
    return TuningLedger(
        key=key,
        entry_name=wanted.entry_name,
        entry=wanted.entry,
        model=model,
        suffix=wanted.suffix,
        seed=wanted.seed,
        hyperparameters=asked,
        manifest=manifest_id,
        unproven=seen,
        created_at=datetime.now(UTC),
        simulated=is_simulated(wanted.entry),
    )


def submit(store: Store, begun: TuningLedger, files: TrainingFiles, environ: Mapping[str, str]) -> TuningLedger:
    """Bring a job to the service, whatever of it is there already."""

    async def work(client: TuningClient) -> TuningLedger:
        return await Submission(store, client, files).run(begun)

    return with_client(begun.entry, environ, work)


def watch(store: Store, ledger: TuningLedger, environ: Mapping[str, str], *, once: bool, every_s: float) -> Looked:
    """Look until the job is over, telling each event once."""

    async def work(client: TuningClient) -> Looked:
        told: set[str] = set()
        while True:
            seen = await look(store, client, ledger)
            for event in seen.events:
                if event.id not in told:
                    told.add(event.id)
                    at = datetime.fromtimestamp(event.created_at, UTC)
                    err.print(f"{at:%H:%M:%S} {event.message}", markup=False)
            if once or seen.is_over:
                return seen
            await asyncio.sleep(every_s)

    return with_client(ledger.entry, environ, work)


def act(store: Store, ledger: TuningLedger, action: str, environ: Mapping[str, str]) -> TuningLedger:
    """Pause, resume or cancel.

    Raises:
        UserInputError: it was never submitted.
    """
    if ledger.job_id is None:
        raise UserInputError(f"the job {ledger.key} has not been submitted.")
    job_id = ledger.job_id

    async def work(client: TuningClient) -> TuningLedger:
        act_on = {"pause": client.pause_job, "resume": client.resume_job, "cancel": client.cancel_job}[action]
        await act_on(job_id)
        return (await look(store, client, ledger)).ledger

    return with_client(ledger.entry, environ, work)


def show_job(seen: Looked) -> ExitCode:
    """State, curves and warnings; the exit code of a command that waited for it."""
    ledger = seen.ledger
    out.print(f"{ledger.key}  {ledger.job_id}  {ledger.state}", markup=False)
    for name in _TOLD:
        points = seen.curves.points.get(name, ())
        if points:
            values = [value for _, value in points]
            out.print(f"  {name:15} {sparkline(values)}  {values[0]:.4f} -> {values[-1]:.4f}", markup=False)
    for sentence in warnings_of(seen.curves):
        out.print(sentence, style="yellow", markup=False)
    if ledger.error:
        out.print(f"error: {ledger.error}", style="red", markup=False)
    if ledger.tuned_model:
        out.print(f"model: {ledger.tuned_model}", markup=False)
    return ExitCode.SERVICE_REFUSED if ledger.state == "failed" else ExitCode.DONE


def deploy_job(
    store: Store, ledger: TuningLedger, environ: Mapping[str, str], *, name: str | None, checkpoint: int | None,
    register: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Deploy where the service needs it, and register the version under a name."""
    ledger = _with_entry_of_today(store, ledger)
    model = model_to_deploy(ledger, checkpoint)
    tuning, deployment = tuning_of(ledger.entry), None
    if needs_deployment(ledger.entry):
        deployment = name if name is not None else f"{register if register is not None else 'tuned'}-{ledger.key[:8]}"
        wire = deployment
        for line in deployment_warnings(tuning):
            err.print(line, style="yellow", markup=False)
        with_manager(
            ledger.entry,
            environ,
            lambda manager: deploy(store, manager, ledger, name=wire, model=model, tuning=tuning),
        )
    version = None
    if register is not None:
        version = add_version(
            store, register, ledger, model=model, deployment=deployment, cost_usd=training_cost(ledger),
            now=datetime.now(UTC),
        ).version  # fmt: skip
    return {"model": model, "deployment": deployment, "registered": register, "version": version}


def _with_entry_of_today(store: Store, ledger: TuningLedger) -> TuningLedger:
    """The ledger with what the models file says now of account, tier and prices; as it was without such an entry."""
    try:
        entry = model_entry(ledger.entry_name, None, load_settings())
    except NightpollError:
        return ledger
    if (entry.provider, entry.model) != (ledger.entry.provider, ledger.entry.model):
        return ledger

    def edited(before: TuningLedger | None) -> TuningLedger:
        return (ledger if before is None else before).model_copy(update={"entry": entry})

    return change_ledger(store, ledger.key, edited)


def undeploy_job(store: Store, ledger: TuningLedger, environ: Mapping[str, str], name: str | None) -> list[str]:
    """Take the deployments of a job away, or one of them; returns their names."""
    names = [d.name for d in ledger.deployments if d.until is None and name in (None, d.name)]
    if not names:
        raise UserInputError("no such deployment of this job is there.", hint="`nightpoll finetune list` shows them.")
    for each in names:
        with_manager(ledger.entry, environ, lambda manager, each=each: undeploy(store, manager, ledger, each))  # type: ignore[misc]
    return names


def job_row(ledger: TuningLedger, now: datetime) -> dict[str, Any]:
    """A job as a list shows it."""
    return {
        "key": ledger.key,
        "job": ledger.job_id,
        "state": ledger.state,
        "base": ledger.model,
        "model": ledger.tuned_model,
        "created_at": ledger.created_at,
        "trained_tokens": ledger.trained_tokens,
        "training_usd": training_cost(ledger),
        "hosting_usd": hosting_usd(ledger.deployments, now=now),
        "deployments": [d.name for d in ledger.deployments if is_deployed(d, now)],
        "error": ledger.error,
        "over": ledger.state in ENDED,
    }


def known_before(store: Store, key: str) -> TuningLedger | None:
    """The ledger of the very same job, if there is one."""
    return load_ledger(store, key)


def as_bought(store: Store, key: str, usd: float | None) -> None:
    """Write down that a job was created now, and what its training is expected to cost."""

    def edited(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "submitted before"
        return before.model_copy(update={"estimated_usd": usd, "bought_at": datetime.now(UTC)})

    change_ledger(store, key, edited)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the file cannot be read: {reason}.", where=str(path)) from e
    return digest.hexdigest()
