"""A job before it is submitted: which one it is, whether it was started before, and how it is brought there."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.tuning.context import check_suffix, is_simulated, tuning_of, with_client
from finetuning.jobs.submit import Submission, TrainingFiles
from finetuning.jobs.watching import look
from finetuning.preparing.prepare import MANIFEST, read_tuning_manifest
from finetuning.versions.lineage import unproven
from providers.tuning_client import TuningClient
from schemas.errors import RejectedRequestError, UserInputError
from schemas.models import Model
from schemas.tuning import ENDED, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger, job_key, keep_manifest, load_ledger


@dataclass(frozen=True)
class Wanted:
    """A job as the command line asks for it.

    Attributes:
        start_from: a tuned model to go on from; None: the entry's base model.
        again: how many jobs of the very same there were before.
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


def wanted_job(
    store: Store, files: TrainingFiles, wanted: Wanted, environ: Mapping[str, str], *, again: bool
) -> TuningLedger:
    """The ledger of the job that a command means: one that was begun before, as it is now, or a new one.

    Args:
        store: with the jobs.
        files: to be sent.
        wanted: as the command line says.
        environ: for keys; a job whose end is not known yet is asked for.
        again: make another one of a job that is over. A job that is not over is never doubled.

    Raises:
        UserInputError: a file is missing, or is not the one of its manifest. ModelError: the service cannot be asked.
    """
    while True:
        begun = begun_ledger(store, files.training, files.validation, wanted)
        known = load_ledger(store, begun.key)
        if known is None:
            return begun
        following = replace(wanted, again=wanted.again + 1)
        if load_ledger(store, begun_ledger(store, files.training, files.validation, following).key) is None:
            seen = as_it_is(store, known.model_copy(update={"entry": begun.entry}), environ)
            if not (again and seen.state in ENDED):
                return seen
        wanted = following


def submit(
    store: Store,
    begun: TuningLedger,
    files: TrainingFiles,
    environ: Mapping[str, str],
    *,
    allow: Callable[[TuningLedger], None],
) -> TuningLedger:
    """Bring a job to the service, whatever of it is there already; `allow` as `Submission` takes it."""

    async def work(client: TuningClient) -> TuningLedger:
        return await Submission(store, client, files, allow=allow).run(begun)

    return with_client(begun.entry, environ, work)


def as_it_is(store: Store, known: TuningLedger, environ: Mapping[str, str]) -> TuningLedger:
    """Its state now; one that nobody looked at may have ended since, or be gone."""
    if known.job_id is None or known.state in ENDED:
        return known

    async def work(client: TuningClient) -> TuningLedger:
        return (await look(store, client, known)).ledger.model_copy(update={"entry": known.entry})

    try:
        return with_client(known.entry, environ, work)
    except RejectedRequestError as error:
        if error.code != "not_found":
            raise
        return known.model_copy(update={"state": "failed", "error": "The service knows the job no longer."})


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
