"""Looking after a job: its state, events, checkpoints and results, from the service into the ledger."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from finetuning.jobs.curves import Curves, curves_of_csv, curves_of_events
from providers.tuning_client import TuningClient
from providers.tuning_objects import RemoteEvent
from schemas.errors import ModelError, RejectedRequestError, ServiceRefusedError, UserInputError
from schemas.tuning import ENDED, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger, results_path

T = TypeVar("T")
_NOT_OFFERED = (400, 404, 405)


@dataclass(frozen=True)
class Looked:
    """A job as just seen.

    Attributes:
        events: all of them, oldest first.
        curves: from the results file once there is one, else from the events.
    """

    ledger: TuningLedger
    events: list[RemoteEvent]
    curves: Curves

    @property
    def is_over(self) -> bool:
        """It will not change any more."""
        return self.ledger.state in ENDED


async def look(store: Store, client: TuningClient, ledger: TuningLedger) -> Looked:
    """Ask the service about a job and write down what it says.

    Raises:
        UserInputError: it was never submitted.
        ModelError: the service cannot be asked, or knows the job no longer.
    """
    if ledger.job_id is None:
        hint = "`nightpoll finetune submit` with the same files goes on with it."
        raise UserInputError(f"the job {ledger.key} has not been submitted.", hint=hint)
    job = await client.job(ledger.job_id)
    events = await _if_offered(client.events(ledger.job_id))
    checkpoints = {each.step: each.model for each in await _if_offered(client.checkpoints(ledger.job_id))}
    now = datetime.now(UTC)

    def seen(before: TuningLedger | None) -> TuningLedger:
        assert before is not None, "a submitted job has a ledger"
        over = job.state in ENDED and before.finished_at is None
        return before.model_copy(
            update={
                "state": job.state,
                "tuned_model": job.tuned_model,
                "trained_tokens": job.trained_tokens,
                "error": job.error,
                "result_files": list(job.result_files),
                "checkpoints": {**before.checkpoints, **checkpoints},
                "seen_at": now,
                "finished_at": now if over else before.finished_at,
            }
        )

    curves = await _curves(store, client, seen(ledger), events)  # results first: nobody asks after a job that is over
    return Looked(change_ledger(store, ledger.key, seen), events, curves)


def looked_before(store: Store, ledger: TuningLedger) -> Looked | None:
    """A job that is over as it was last seen, without its events; None if its results are not in the store."""
    rel = results_path(ledger.key)
    if ledger.state not in ENDED or not store.exists(rel):
        return None
    return Looked(ledger, [], curves_of_csv(store.read_bytes(rel)))


async def _if_offered(asked: Awaitable[list[T]]) -> list[T]:
    """What a service lists; nothing where it is a compatible one without such a list."""
    try:
        return await asked
    except (RejectedRequestError, ServiceRefusedError) as error:
        if error.http_status in _NOT_OFFERED:
            return []
        raise


async def _curves(store: Store, client: TuningClient, ledger: TuningLedger, events: list[RemoteEvent]) -> Curves:
    rel = results_path(ledger.key)
    if ledger.result_files and not store.exists(rel):
        with TemporaryDirectory() as folder:
            try:
                data = await client.results(ledger.result_files[0], Path(folder) / "results")
            except ModelError:  # the curve of the events will do until it can be had
                data = b""
        if data:
            store.put_if_absent(rel, data)
    if store.exists(rel) and (found := curves_of_csv(store.read_bytes(rel))).points:
        return found
    return curves_of_events([event.data for event in events if event.kind == "metrics"])
