"""The emulator's own addresses under /emulator: what was bought, what came in, faults and keys at run time."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.batches.batch_desk import BatchDesk
from emulator.batches.batch_faults import parse_batch_faults
from emulator.batches.batch_job import Job
from emulator.faults import parse_faults
from emulator.files.shelf import Shelf
from emulator.service import Service
from emulator.service_time import parse_time_order
from schemas.errors import SettingsError

_Endpoint = Callable[[Request], Awaitable[Response]]


def admin_routes(service: Service, shelf: Shelf, desk: BatchDesk) -> list[Route]:
    """Routes of the admin interface. They need no key: an emulator listens on the loopback only."""
    return [
        Route("/emulator/purchases", _purchases(service), methods=["GET"]),
        Route("/emulator/purchases.jsonl", _purchase_lines(service), methods=["GET"]),
        Route("/emulator/stats", _stats(service), methods=["GET"]),
        Route("/emulator/config", _config(service), methods=["GET"]),
        Route("/emulator/faults", _get_faults(service), methods=["GET"]),
        Route("/emulator/faults", _put_faults(service), methods=["PUT"]),
        Route("/emulator/batches", _batches(shelf, desk), methods=["GET"]),
        Route("/emulator/batch-faults", _get_batch_faults(desk), methods=["GET"]),
        Route("/emulator/batch-faults", _put_batch_faults(desk), methods=["PUT"]),
        Route("/emulator/keys", _put_keys(service), methods=["PUT"]),
        Route("/emulator/time", _put_time(shelf), methods=["PUT"]),
    ]


def _purchases(service: Service) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        summary = service.books.summary(by_id=request.query_params.get("by_id") != "0")
        return JSONResponse(summary | {"arrivals_per_second": service.arrivals.summary()["per_second"]})

    return endpoint


def _purchase_lines(service: Service) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        lines = [json.dumps(purchase.as_line()) + "\n" for purchase in service.books.purchases]
        return Response("".join(lines), media_type="application/jsonl")

    return endpoint


def _stats(service: Service) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        books = service.books
        usages = [purchase.usage for purchase in books.purchases]
        return JSONResponse(
            service.arrivals.summary()
            | {
                "purchased": len(usages),
                "open": books.n_open,
                "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
                "completion_tokens": sum(usage.completion_tokens for usage in usages),
                "cpu_s": time.process_time(),
            }
        )

    return endpoint


def _config(service: Service) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        shown = service.config.model_dump(mode="json") | {"faults": service.faults.model_dump()}
        served = {name: target.served.model for name, target in service.targets.items()}
        return JSONResponse(shown | {"base_path": service.config.base_path, "serves": served})

    return endpoint


def _get_faults(service: Service) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(service.faults.model_dump())

    return endpoint


def _put_faults(service: Service) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        data = await _json(request)
        try:
            service.set_faults(parse_faults(data, where="PUT /emulator/faults"))
        except SettingsError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(service.faults.model_dump())

    return endpoint


def _batches(shelf: Shelf, desk: BatchDesk) -> _Endpoint:
    """Every batch accepted, and the files; `same_requests` counts batches whose custom_ids an earlier one had."""

    async def endpoint(_: Request) -> Response:
        jobs, seen, repeated = desk.all(), set[str](), 0
        for job in jobs:
            repeated += job.examined.ids_sha256 in seen
            seen.add(job.examined.ids_sha256)
        files = [{"id": file.id, "purpose": file.purpose, "bytes": file.n_bytes} for file in shelf.all()]
        return JSONResponse(
            {
                "created": len(jobs),
                "same_requests": repeated,
                "batches": [_told(job) for job in jobs],
                "uploads": shelf.n_uploads,
                "deleted": shelf.n_deleted,
                "files": files,
                "now": shelf.time.now(),
            }
        )

    return endpoint


def _told(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status,
        "input_file_id": job.input_file_id,
        "metadata": job.metadata,
        "model": job.examined.model,
        "lines": len(job.examined.lines),
        "done": job.n_done,
        "failed": job.n_failed,
        "queued_tokens": job.reserved_tokens,
        "ids_sha256": job.examined.ids_sha256,
    }


def _get_batch_faults(desk: BatchDesk) -> _Endpoint:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(desk.faults.model_dump())

    return endpoint


def _put_batch_faults(desk: BatchDesk) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        data = await _json(request)
        try:
            desk.set_faults(parse_batch_faults(data, where="PUT /emulator/batch-faults"))
        except SettingsError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(desk.faults.model_dump())

    return endpoint


def _put_keys(service: Service) -> _Endpoint:
    """{"revoke": "all" | [key, ...]} refuses keys and tokens from now on; {"revoke": []} takes all of it back."""

    async def endpoint(request: Request) -> Response:
        data = await _json(request)
        revoke = data.get("revoke") if isinstance(data, dict) else None
        if revoke == "all":
            service.access.revoke(None)
        elif revoke == []:
            service.access.restore()
        elif isinstance(revoke, list) and all(isinstance(key, str) for key in revoke):
            service.access.revoke(revoke)
        else:
            return JSONResponse({"error": 'revoke: "all", a list of keys, or []'}, status_code=400)
        return Response(status_code=204)

    return endpoint


def _put_time(shelf: Shelf) -> _Endpoint:
    """{"speed": 0} stops service time, {"skip_s": 60} jumps a minute ahead."""

    async def endpoint(request: Request) -> Response:
        data = await _json(request)
        try:
            shelf.time.obey(parse_time_order(data, where="PUT /emulator/time"))
        except SettingsError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse({"now": shelf.time.now(), "speed": shelf.time.speed})

    return endpoint


async def _json(request: Request) -> Any:  # noqa: ANN401 - anything a JSON body may hold
    try:
        return json.loads(await request.body())
    except ValueError:
        return None
