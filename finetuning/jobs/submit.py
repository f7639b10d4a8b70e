"""Starting a job so that no crash starts two: every step is written down first, and looked for before it is repeated.

Uploads are found by their file names, which carry the job's key; a job is found by the training file it reads, which
no other job of ours has. A step whose intent is written and whose end is not is looked for at the service first.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from providers.tuning_client import TuningClient
from providers.tuning_objects import RemoteJob
from schemas.errors import ModelError, RunInUseError, ServiceRefusedError, TransientModelError
from schemas.tuning import HELD_S, TuningLedger
from storage.store import Store
from storage.tuning_records import change_ledger

T = TypeVar("T")
Step = Literal["upload_training", "upload_validation", "create"]
Pause = Callable[[float], Awaitable[None]]
TRIES = 4
LOOK_EVERY_S = 2.0
FILE_WITHIN_S = 1800.0
HELD_HERE_S = 6 * 3600.0
"""A number that is there may be another process's by now."""
_LOOKS = 3
"""Lists may lag behind what was just accepted."""


@dataclass(frozen=True)
class TrainingFiles:
    """What is sent."""

    training: Path
    validation: Path | None = None


class Submission:
    """Brings one job from its ledger to the service; safe to run again after any crash."""

    def __init__(
        self,
        store: Store,
        client: TuningClient,
        files: TrainingFiles,
        *,
        pause: Pause = asyncio.sleep,
        allow: Callable[[TuningLedger], None] = lambda _: None,
    ) -> None:
        """A submission.

        Args:
            store: with the ledger.
            client: of the service.
            files: to be sent.
            pause: waits between looks.
            allow: raises where the job must not be bought; asked once the store shows that it is about to be.
        """
        self._store = store
        self._client = client
        self._files = files
        self._pause = pause
        self._allow = allow
        self._holder = f"{os.uname().nodename}:{os.getpid()}"

    async def run(self, begun: TuningLedger) -> TuningLedger:
        """Upload, wait until processed, create; returns the ledger with the job's id.

        Raises:
            RunInUseError: another live process is at it.
            ModelError: the service refused, or could not be reached after several tries.
        """
        ledger = self._claim(begun)
        try:
            if ledger.job_id is None:
                self._allow(ledger)
                await self._bring(ledger)
        finally:
            ledger = self._write(ledger.key, holder=None)
        return ledger

    async def _bring(self, ledger: TuningLedger) -> None:
        training = await self._uploaded(ledger, "upload_training", self._files.training, ledger.training_file)
        ledger = self._write(ledger.key, training_file=training)
        if self._files.validation is not None:
            found = await self._uploaded(ledger, "upload_validation", self._files.validation, ledger.validation_file)
            ledger = self._write(ledger.key, validation_file=found)
        for file_id in (ledger.training_file, ledger.validation_file):
            if file_id is not None:
                await self._processed(ledger.key, file_id)
        job = await self._created(ledger)
        self._write(ledger.key, job_id=job.id, state=job.state, intent=None, seen_at=datetime.now(UTC))

    def _claim(self, begun: TuningLedger) -> TuningLedger:
        def claimed(before: TuningLedger | None) -> TuningLedger:
            ledger = begun if before is None else before.model_copy(update={"entry": begun.entry})
            if ledger.holder is not None and ledger.holder != self._holder and _lives(ledger):
                what = f"another command ({ledger.holder}) is submitting this very job."
                hint = f"Wait for it; one that died on another machine makes room after {HELD_S / 60:.0f} minutes."
                raise RunInUseError(what, hint=hint)
            return ledger.model_copy(update={"holder": self._holder, "held_at": datetime.now(UTC)})

        return change_ledger(self._store, begun.key, claimed)

    async def _uploaded(self, ledger: TuningLedger, step: Step, path: Path, known: str | None) -> str:
        if known is not None:
            return known
        name = f"nightpoll-{ledger.key}-{'training' if step == 'upload_training' else 'validation'}.jsonl"

        async def look() -> str | None:
            async for file in self._client.training_files():
                if file.filename == name and not file.is_broken:
                    return file.id
            return None

        async def send() -> str:
            return (await self._client.upload_training(path, filename=name)).id

        return await self._once(ledger, step, look, send)

    async def _created(self, ledger: TuningLedger) -> RemoteJob:
        async def look() -> RemoteJob | None:
            async for job in self._client.jobs():
                if job.training_file == ledger.training_file:
                    return job
            return None

        async def send() -> RemoteJob:
            return await self._client.create_job(create_body(ledger))

        return await self._once(ledger, "create", look, send)

    async def _once(
        self,
        ledger: TuningLedger,
        step: Step,
        look: Callable[[], Awaitable[T | None]],
        send: Callable[[], Awaitable[T]],
    ) -> T:
        begun_before = ledger.intent == step
        for number in range(TRIES):
            self._write(
                ledger.key, intent=step
            )  # tells also that somebody is at it: one try may take a quarter of an hour
            if begun_before or number:
                found = await self._looked_for(look)
                if found is not None:
                    return found
            try:
                return await send()
            except TransientModelError:
                if number == TRIES - 1:
                    raise
                await self._pause(LOOK_EVERY_S)
            except ModelError:
                self._write(ledger.key, intent=None)
                raise
        raise AssertionError("the last try returns or raises")

    async def _looked_for(self, look: Callable[[], Awaitable[T | None]]) -> T | None:
        for _ in range(_LOOKS):
            found = await look()
            if found is not None:
                return found
            await self._pause(LOOK_EVERY_S)
        return None

    async def _processed(self, key: str, file_id: str) -> None:
        waited_s = 0.0
        while waited_s < FILE_WITHIN_S:
            file = await self._client.file(file_id)
            if file.is_ready:
                return
            if file.is_broken:
                self._write(key, training_file=None, validation_file=None, intent=None)  # the next try uploads anew
                what = f"The service could not process {file.filename}: {file.problem or 'it does not say why'}."
                raise ServiceRefusedError(what, code="file_refused", hint="`nightpoll finetune check` looks at it.")
            await self._pause(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        raise TransientModelError("The service has not processed the training file in half an hour.", code="pending")

    def _write(self, key: str, **changes: Any) -> TuningLedger:  # noqa: ANN401 - fields of the ledger
        def edited(before: TuningLedger | None) -> TuningLedger:
            assert before is not None, "claimed before"
            return before.model_copy(update={"held_at": datetime.now(UTC), **changes})

        return change_ledger(self._store, key, edited)


def create_body(ledger: TuningLedger) -> dict[str, Any]:
    """What is sent to create the job."""
    body: dict[str, Any] = {"model": ledger.model, "training_file": ledger.training_file}
    if ledger.validation_file is not None:
        body["validation_file"] = ledger.validation_file
    if ledger.suffix is not None:
        body["suffix"] = ledger.suffix
    if ledger.seed is not None:
        body["seed"] = ledger.seed
    if ledger.hyperparameters and ledger.entry.provider == "azure":
        body["hyperparameters"] = dict(ledger.hyperparameters)
    elif ledger.hyperparameters:
        supervised = {"hyperparameters": dict(ledger.hyperparameters)}
        body["method"] = {"type": "supervised", "supervised": supervised}
    tuning = ledger.entry.tuning
    if tuning is not None and tuning.training_type is not None:
        body["trainingType"] = tuning.training_type
    return body


def _lives(ledger: TuningLedger) -> bool:
    """Whether a holder is there; one that cannot be asked is taken to be until its longest step is over."""
    node, _, pid = str(ledger.holder).rpartition(":")
    held_s = 0.0 if ledger.held_at is None else (datetime.now(UTC) - ledger.held_at).total_seconds()
    if node != os.uname().nodename:
        return held_s < HELD_S
    if held_s >= HELD_HERE_S:
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
