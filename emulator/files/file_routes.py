"""The addresses of files: upload, list, retrieve, content, delete."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from emulator.batches.batch_desk import BatchDesk
from emulator.files import file_bodies, file_refusals
from emulator.files.endpoints import answered, guarded, page, page_limit
from emulator.files.multipart import BrokenFormError, FormReader
from emulator.files.shelf import DAY_S, OPENAI_FILE_LIFE_S, Shelf, StoredFile
from emulator.service import Service
from emulator.wire.refusals import Refusal
from emulator.wire.responses import Cut, api_version

MAX_UPLOAD_BYTES = 512_000_000
_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_FIRST_PAGED_VERSION = "2025-04-01-preview"
_LEAST_LIFE_S = {"openai": 3600, "azure_v1": 14 * DAY_S, "azure": 14 * DAY_S}
_MOST_LIFE_S = 30 * DAY_S
_FLUSH_S = 0.02


def file_routes(service: Service, shelf: Shelf, desk: BatchDesk) -> list[Route]:
    """Routes under the base path of the profile."""
    files = _Files(service, shelf, desk)
    base = f"{service.config.base_path}/files"
    return [
        Route(base, guarded(service, files.upload), methods=["POST"]),
        Route(base, guarded(service, files.list), methods=["GET"]),
        Route(f"{base}/{{file_id}}", guarded(service, files.retrieve), methods=["GET"]),
        Route(f"{base}/{{file_id}}", guarded(service, files.delete), methods=["DELETE"]),
        Route(f"{base}/{{file_id}}/content", guarded(service, files.content), methods=["GET"]),
    ]


class _Files:
    def __init__(self, service: Service, shelf: Shelf, desk: BatchDesk) -> None:
        self._service = service
        self._config = service.config
        self._shelf = shelf
        self._desk = desk

    async def upload(self, request: Request) -> Response:
        form = await self._form(request)
        purpose = form.fields.get("purpose")
        if purpose not in _PURPOSES:
            raise self._wrong("'purpose' is missing or unknown.", "purpose")
        if "file" not in form.files:
            raise self._wrong("'file' is a required property.", "file")
        life_s = self._life_s(form.fields, purpose)
        filename, segments = form.files["file"]
        faults = self._desk.faults
        self._shelf.n_uploads += 1
        pending_s = self._config.batch.pending_s if self._config.is_azure else 0.0
        file = self._shelf.add(
            [self._shelf.spool.copy(form.spool, segments)],
            filename=filename,
            purpose=purpose,
            pending_s=pending_s + faults.file_pending_s,
            expires_after_s=life_s,
            is_broken=faults.file_error,
        )
        if self._desk.strikes.spend("cut_after_upload"):
            return Cut()
        return self._uploaded(request, file)

    async def list(self, request: Request) -> Response:
        files = self._shelf.all(request.query_params.get("purpose"))
        if not self._config.is_azure and request.query_params.get("order", "desc") == "desc":
            files = files[::-1]
        if self._config.profile == "azure" and not self._is_paged(request):
            after = request.query_params.get("after")
            shown, has_more = ([] if after else files), False
        else:
            shown = page(self._service, request, files, default=10_000, most=10_000)
            limit = page_limit(self._service, request, default=10_000, most=10_000)
            shown, has_more = shown[:limit], len(shown) > limit
        body = file_bodies.file_list(self._config, shown, self._shelf.time.now(), has_more=has_more)
        return answered(self._service, body)

    async def retrieve(self, request: Request) -> Response:
        return answered(self._service, self._object(self._found(request)))

    async def delete(self, request: Request) -> Response:
        file = self._found(request)
        self._shelf.delete(file.id)
        return answered(self._service, {"id": file.id, "object": "file", "deleted": True})

    async def content(self, request: Request) -> Response:
        file = self._found(request)
        chunks = gathered(self._shelf.spool.chunks(file.segments))
        if self._desk.strikes.spend("cut_download"):
            return _Torn(chunks, file.n_bytes)
        shown = {"content-length": str(file.n_bytes)}
        return StreamingResponse(chunks, headers=shown, media_type="application/octet-stream")

    async def _form(self, request: Request) -> FormReader:
        n_bytes = 0
        try:
            form = FormReader(request.headers.get("content-type", ""))
            async for data in request.stream():
                n_bytes += len(data)
                if n_bytes > MAX_UPLOAD_BYTES:
                    raise file_refusals.too_large(self._config, MAX_UPLOAD_BYTES)
                form.feed(data)
        except BrokenFormError:
            raise self._wrong("The body is not multipart/form-data.", None) from None
        if not form.is_complete:
            raise self._wrong("The form ends in its middle.", None)
        return form

    def _life_s(self, fields: dict[str, str], purpose: str) -> float | None:
        """Seconds from creation to expiry; both spellings of the field count."""
        seconds = _either(fields, "seconds")
        anchor = _either(fields, "anchor")
        if seconds is None and anchor is None:
            return OPENAI_FILE_LIFE_S if purpose == "batch" and not self._config.is_azure else None
        least = _LEAST_LIFE_S[self._config.profile]
        is_number = seconds is not None and seconds.isascii() and seconds.isdigit()
        if anchor != "created_at" or not is_number or not least <= int(str(seconds)) <= _MOST_LIFE_S:
            text = f"'expires_after' needs the anchor created_at and {least} to {_MOST_LIFE_S} seconds."
            raise self._wrong(text, "expires_after")
        return float(str(seconds))

    def _uploaded(self, request: Request, file: StoredFile) -> Response:
        if self._config.profile == "azure":
            location = f"{request.base_url}{self._config.base_path[1:]}/files/{file.id}"
            location += f"?api-version={api_version(request.scope)}"
            return answered(self._service, self._object(file), status=201, more={"location": location})
        created = self._config.profile == "azure_v1" and self._config.batch.created_201
        return answered(self._service, self._object(file), status=201 if created else 200)

    def _object(self, file: StoredFile) -> dict[str, Any]:
        return file_bodies.file_object(self._config, file, self._shelf.time.now())

    def _found(self, request: Request) -> StoredFile:
        file_id = request.path_params["file_id"]
        file = self._shelf.find(file_id)
        if file is None:
            raise file_refusals.no_such_file(self._config, file_id)
        return file

    def _is_paged(self, request: Request) -> bool:
        version = api_version(request.scope)
        return version is not None and version >= _FIRST_PAGED_VERSION

    def _wrong(self, message: str, param: str | None) -> Refusal:
        return file_refusals.bad_request(self._config, message, param=param)


class _Torn(Response):
    """The first half of a body, then a cut connection."""

    def __init__(self, chunks: AsyncIterator[bytes], n_bytes: int) -> None:
        super().__init__()
        self._chunks = chunks
        self._n_bytes = n_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        shown = [(b"content-length", str(self._n_bytes).encode()), (b"content-type", b"application/octet-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": shown})
        left = self._n_bytes // 2
        async for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk[:left], "more_body": True})
            left -= len(chunk[:left])
            if left <= 0:
                break
        await asyncio.sleep(_FLUSH_S)  # what has not left yet would be lost with the connection
        await Cut()(scope, receive, send)


async def gathered(chunks: Iterable[bytes], size: int = 1 << 16) -> AsyncIterator[bytes]:
    """The same bytes in pieces of at least this size, but for the last: a file has as many segments as lines."""
    parts: list[bytes] = []
    held = 0
    for chunk in chunks:
        parts.append(chunk)
        held += len(chunk)
        if held >= size:
            yield b"".join(parts)
            parts, held = [], 0
    if parts:
        yield b"".join(parts)


def _either(fields: dict[str, str], name: str) -> str | None:
    return fields.get(f"expires_after[{name}]", fields.get(f"expires_after.{name}"))
