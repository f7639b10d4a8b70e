"""Files and batches of one deployment: upload, create, look, list, cancel, download. Nothing is retried here."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

import httpx2

from providers.batch_objects import RemoteBatch, RemoteFile, read_batch, read_file
from providers.batch_urls import create_endpoint
from providers.keyless import KeyFilter
from providers.links import open_link
from providers.rest_client import CALL_S, CONNECT_S, RestClient, path_part
from schemas.errors import RejectedRequestError, TransientModelError
from schemas.models import Deployment, Model
from storage.trouble import store_error

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

TRANSFER_S = 900.0
"""Patience with one file of 200 MB."""

INPUT_LIFE_S: Final = 14 * 86_400
"""Expiry asked for input files: the shortest that Azure accepts, and far beyond any completion window."""

_CHUNK_BYTES = 1 << 18
_JSONL = "application/jsonl"


class BatchClient(RestClient):
    """Files and batches of one deployment. Belongs to one event loop; close it in that loop.

    Every method raises a ModelError for every way in which the service does not do what is asked:

    - RejectedRequestError `not_found`: no such file or batch (deleted, expired, another project's).
    - TransientModelError: worth another try. `maybe_paid` on `create` and `upload`: it may have been accepted
      although no answer came, so look for it before doing it again.
    - TransientModelError `token_limit_exceeded` on `create`: too much is queued; nothing was created.
    - RateLimitedError, RejectedRequestError, ServiceRefusedError as for single calls.
    """

    async def upload(
        self,
        path: Path,
        *,
        filename: str | None = None,
        expires_after_s: int | None = INPUT_LIFE_S,
        purpose: str = "batch",
    ) -> RemoteFile:
        """Send an input file, read from disk as it goes out. Not safe to repeat: every upload makes a file.

        Args:
            path: JSON lines, UTF-8 without BOM.
            filename: as the service lists it; default: the path's own name. Must end in `.jsonl`.
            expires_after_s: seconds until the service drops it; None: the service's own rule.
            purpose: what it is for, by the service's word.

        Raises:
            StoreError: the file cannot be opened.
        """
        name = path.name if filename is None else filename
        anchor = {"anchor": "created_at", "seconds": expires_after_s}
        form = {"purpose": purpose} | ({} if expires_after_s is None else {"expires_after": anchor})

        with _opened(path, "rb") as content:

            async def send() -> httpx2.Response:
                return await self._sdk.post(
                    "/files",
                    cast_to=httpx2.Response,
                    body=form,
                    files={"file": (name, content, _JSONL)},
                    options=self._options(TRANSFER_S, {"Content-Type": "multipart/form-data"}),
                )

            return read_file(await self._json(send, timeout_s=TRANSFER_S, makes_something=True))

    async def file(self, file_id: str) -> RemoteFile:
        """A file as it is now."""
        return read_file(await self._json(lambda: self._get(f"/files/{path_part(file_id)}")))

    async def files(self, purpose: str = "batch") -> AsyncIterator[RemoteFile]:
        """All files of a purpose, page by page."""
        async for entry in self._pages("/files", {"purpose": purpose}):
            yield read_file(entry)

    async def delete_file(self, file_id: str) -> bool:
        """Remove a file; False: it was gone already. Safe to call twice."""

        async def send() -> httpx2.Response:
            path = f"/files/{path_part(file_id)}"
            return await self._sdk.delete(path, cast_to=httpx2.Response, options=self._options(CALL_S))

        try:
            await self._call(send)
        except RejectedRequestError as error:
            if error.code == "not_found":
                return False
            raise
        return True

    async def download(self, file_id: str, path: Path) -> int:
        """Write a file's content to a path, piece by piece and without our key; returns the bytes that came.

        A transfer that breaks off raises and leaves what came; calling again starts over.

        Raises:
            StoreError: the path cannot be written.
        """
        with _opened(path, "wb") as target:

            async def transfer() -> int:
                streaming = self._sdk.files.with_streaming_response.content(
                    file_id,
                    extra_headers=self._link.headers,
                    timeout=httpx2.Timeout(None, connect=CONNECT_S, pool=CONNECT_S),
                )
                n_bytes, keys = 0, KeyFilter(self._secrets())
                async with streaming as response:
                    async for chunk in response.iter_bytes(_CHUNK_BYTES):
                        n_bytes += len(chunk)
                        _write(target, keys.feed(chunk), path)
                _write(target, keys.end(), path)
                return n_bytes

            return await self._call(transfer, timeout_s=TRANSFER_S)

    async def create(self, file_id: str, *, metadata: Mapping[str, str]) -> RemoteBatch:
        """Start a batch of an uploaded file. Not safe to repeat: every accepted create is worked off and billed.

        Args:
            file_id: of a processed input file.
            metadata: what it is found by in `batches`; 16 pairs at most.
        """
        body = {
            "input_file_id": file_id,
            "endpoint": self._endpoint,
            "completion_window": "24h",
            "metadata": dict(metadata),
        }
        return read_batch(await self._json(lambda: self._post("/batches", body), makes_something=True))

    async def batch(self, batch_id: str) -> RemoteBatch:
        """A batch as it is now."""
        return read_batch(await self._json(lambda: self._get(f"/batches/{path_part(batch_id)}")))

    async def batches(self) -> AsyncIterator[RemoteBatch]:
        """All batches that the service lists, page by page, in no order; one just accepted may still be missing."""
        async for entry in self._pages("/batches", {}):
            yield read_batch(entry)

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Ask the service to stop a batch; what is done stays, and is billed. It is over only when `batch` says so.

        Safe to call twice: a batch that is over or being cancelled comes back as it is.
        """
        try:
            return read_batch(await self._json(lambda: self._post(f"/batches/{path_part(batch_id)}/cancel", None)))
        except (RejectedRequestError, TransientModelError) as error:
            if error.http_status not in (400, 409):
                raise
            found = await self.batch(batch_id)
            if found.is_over or found.status == "cancelling":
                return found
            raise


def open_batch_client(
    model: Model,
    deployment: Deployment,
    *,
    environ: Mapping[str, str],
    endpoint: str | None = None,
    credential: "AsyncTokenCredential | None" = None,
) -> BatchClient:
    """A client for the files and batches of one deployment. Opens no connection yet.

    Args:
        model: entry of the models file.
        deployment: one of its batch deployments.
        environ: where the key's variable is looked up.
        endpoint: of new batches; None: as the provider's documents spell it.
        credential: for `auth: entra`; default: what azure-identity finds.

    Raises:
        SettingsError: the key's variable is not named, not set, or holds no key.
    """
    link = open_link(model, deployment, environ=environ, credential=credential)
    return BatchClient(link, endpoint=create_endpoint(model.provider, model.family) if endpoint is None else endpoint)


@contextmanager
def _opened(path: Path, mode: Literal["rb", "wb"]) -> Iterator[IO[bytes]]:
    """A local file; what goes wrong with it must not pass for trouble with the connection."""
    try:
        file = path.open(mode)
    except OSError as e:
        raise store_error(e, path, "read" if mode == "rb" else "write") from e
    with file:
        yield file


def _write(target: IO[bytes], chunk: bytes, path: Path) -> None:
    try:
        target.write(chunk)
    except OSError as e:
        raise store_error(e, path, "write") from e
