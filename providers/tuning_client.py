"""Fine-tuning jobs of one service: files, create, look, list, events, checkpoints, pause, resume, cancel.

Built on the client for files and batches, whose calls and errors it shares. Nothing is retried here.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from providers.batch_client import BatchClient
from providers.batch_objects import RemoteFile
from providers.links import open_link
from providers.tuning_objects import (
    RemoteCheckpoint,
    RemoteEvent,
    RemoteJob,
    in_order,
    read_checkpoint,
    read_event,
    read_job,
)
from schemas.errors import RejectedRequestError, ServiceRefusedError
from schemas.models import Deployment, Model

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_JOBS = "/fine_tuning/jobs"
_PURPOSE = "fine-tune"
_CLOSED_HINT = (
    "The service does not train for this organisation or resource (any more): see its deprecation page. "
    "Models tuned before keep answering until they are retired."
)
_MODEL_HINT = (
    "Look up which models the service still trains; the id of a base model, not of a deployment. Azure says so, too, "
    "where `tuning.training_type` is missing, as GlobalStandard."
)


class TuningClient(BatchClient):
    """Files and fine-tuning jobs of one service; errors as for batches.

    A service that trains no longer raises ServiceRefusedError `training_not_available`, a model that cannot be tuned
    RejectedRequestError `not_tunable`: both for good.
    """

    async def upload_training(self, path: Path, *, filename: str) -> RemoteFile:
        """Send a training file. Not safe to repeat: every upload makes a file."""
        return await self.upload(path, filename=filename, expires_after_s=None, purpose=_PURPOSE)

    async def training_files(self) -> AsyncIterator[RemoteFile]:
        """All training files that the service lists."""
        async for file in self.files(_PURPOSE):
            yield file

    async def create_job(self, body: Mapping[str, Any]) -> RemoteJob:
        """Start a job. Not safe to repeat: every accepted create trains and is billed.

        Args:
            body: model, training_file, and what else the service takes.
        """
        try:
            return read_job(await self._json(lambda: self._post(_JOBS, dict(body)), makes_something=True))
        except ServiceRefusedError as error:
            if error.http_status == 403:
                what = f"The service refuses to train: {error.what}"
                code = "training_not_available"
                raise ServiceRefusedError(what, code=code, http_status=403, hint=_CLOSED_HINT) from error
            raise
        except RejectedRequestError as error:
            if "fine-tun" in error.what.lower() and "model" in error.what.lower():
                raise RejectedRequestError(error.what, code="not_tunable", http_status=400, hint=_MODEL_HINT) from error
            raise

    async def job(self, job_id: str) -> RemoteJob:
        """A job as it is now."""
        return read_job(await self._json(lambda: self._get(_path(job_id))))

    async def jobs(self) -> AsyncIterator[RemoteJob]:
        """All jobs that the service lists."""
        async for entry in self._pages(_JOBS, {}):
            yield read_job(entry)

    async def events(self, job_id: str) -> list[RemoteEvent]:
        """All events, oldest first, whatever the service's order."""
        return in_order([read_event(entry) async for entry in self._pages(f"{_path(job_id)}/events", {})])

    async def checkpoints(self, job_id: str) -> list[RemoteCheckpoint]:
        """Checkpoints by step, oldest first."""
        found = [read_checkpoint(entry) async for entry in self._pages(f"{_path(job_id)}/checkpoints", {})]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    async def pause_job(self, job_id: str) -> RemoteJob:
        """Interrupt a running job."""
        return await self._act(job_id, "pause")

    async def resume_job(self, job_id: str) -> RemoteJob:
        """Go on with a paused job."""
        return await self._act(job_id, "resume")

    async def cancel_job(self, job_id: str) -> RemoteJob:
        """End a job; what was trained is billed."""
        return await self._act(job_id, "cancel")

    async def results(self, file_id: str, path: Path) -> bytes:
        """A results file as CSV, also where the service wraps it in base64.

        Args:
            file_id: of the results.
            path: scratch file to download into.
        """
        await self.download(file_id, path)
        data = path.read_bytes()
        if b"," in data.partition(b"\n")[0]:
            return data
        try:
            return base64.b64decode(data, validate=False)
        except binascii.Error:
            return data

    async def _act(self, job_id: str, action: str) -> RemoteJob:
        return read_job(await self._json(lambda: self._post(f"{_path(job_id)}/{action}", None)))


def open_tuning_client(
    model: Model,
    deployment: Deployment,
    *,
    environ: Mapping[str, str],
    credential: "AsyncTokenCredential | None" = None,
) -> TuningClient:
    """A client for the jobs of the service behind a deployment. Opens no connection yet.

    Raises:
        SettingsError: the key's variable is not named, not set, or holds no key.
    """
    return TuningClient(open_link(model, deployment, environ=environ, credential=credential), endpoint="")


def _path(job_id: str) -> str:
    return f"{_JOBS}/{quote(job_id, safe='')}"
