"""The addresses of batches: create, retrieve, list, cancel; and the work that goes on behind them."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator.batches import batch_bodies, batch_refusals
from emulator.batches.batch_desk import BatchDesk, CreateOrder
from emulator.batches.batch_input import URLS, V1_URLS
from emulator.batches.batch_job import Job
from emulator.files import file_refusals
from emulator.files.endpoints import answered, guarded, json_object, page, page_limit
from emulator.files.shelf import Shelf
from emulator.service import Service
from emulator.wire import refusals
from emulator.wire.refusals import Refusal
from emulator.wire.responses import Cut, api_version

LINES_A_TURN = 64
"""Worked off before other calls get their turn; some 10 ms."""
_LOOK_EVERY_S = 0.25
_SHORTEST_WAIT_S = 0.002
_FIRST_201_VERSION = "2025-04-01-preview"
_NOT_SERVED = ("$filter", "$orderby")


def batch_routes(service: Service, shelf: Shelf, desk: BatchDesk) -> list[Route]:
    """Routes under the base path of the profile."""
    batches = _Batches(service, shelf, desk)
    base = f"{service.config.base_path}/batches"
    return [
        Route(base, guarded(service, batches.create), methods=["POST"]),
        Route(base, guarded(service, batches.list), methods=["GET"]),
        Route(f"{base}/{{batch_id}}", guarded(service, batches.retrieve), methods=["GET"]),
        Route(f"{base}/{{batch_id}}/cancel", guarded(service, batches.cancel), methods=["POST"]),
    ]


class _Batches:
    def __init__(self, service: Service, shelf: Shelf, desk: BatchDesk) -> None:
        self._service = service
        self._config = service.config
        self._shelf = shelf
        self._desk = desk
        self._working: asyncio.Task[None] | None = None

    async def create(self, request: Request) -> Response:
        order = self._order(await request.body())
        if self._desk.strikes.spend("cut_before_create"):
            return Cut()
        file = self._shelf.find(order.input_file_id)
        if file is None:
            raise file_refusals.no_such_file(self._config, order.input_file_id)
        status = file.status(self._shelf.time.now())
        if status != "processed":
            raise batch_refusals.not_processed(self._config, status)
        if file.purpose != "batch":
            raise self._wrong("The purpose of the input file must be batch.", "input_file_id")
        examined = await asyncio.to_thread(self._desk.examine, file, order.endpoint)
        job = self._desk.create(order, examined)
        self._keep_working()
        if self._desk.strikes.spend("cut_after_create"):
            return Cut()
        if self._desk.strikes.spend("error_after_create"):
            raise refusals.server_error(self._config, 500)
        return self._created(request, job)

    async def list(self, request: Request) -> Response:
        for name in _NOT_SERVED:
            if name in request.query_params:
                raise self._wrong(f"This emulator does not serve '{name}'.", name)
        shown = page(self._service, request, self._desk.listed(), default=20, most=100)
        limit = page_limit(self._service, request, default=20, most=100)
        body = batch_bodies.batch_list(self._config, shown[:limit], has_more=len(shown) > limit)
        return answered(self._service, body)

    async def retrieve(self, request: Request) -> Response:
        return answered(self._service, batch_bodies.batch_object(self._config, self._found(request)))

    async def cancel(self, request: Request) -> Response:
        job = self._found(request)
        self._desk.cancel(job)
        return answered(self._service, batch_bodies.batch_object(self._config, job))

    def _order(self, content: bytes) -> CreateOrder:
        body = json_object(self._config, content)
        file_id, endpoint = body.get("input_file_id"), body.get("endpoint")
        if not isinstance(file_id, str) or not file_id:
            raise self._wrong("Missing required parameter: 'input_file_id'.", "input_file_id")
        if not isinstance(endpoint, str) or endpoint not in (URLS if self._config.is_azure else V1_URLS):
            raise self._wrong("Invalid value for 'endpoint'.", "endpoint")
        if body.get("completion_window") != "24h":
            raise self._wrong("Invalid value for 'completion_window': must be '24h'.", "completion_window")
        return CreateOrder(file_id, endpoint, self._metadata(body.get("metadata")), self._life_s(body))

    def _metadata(self, given: Any) -> dict[str, str] | None:  # noqa: ANN401 - anything a JSON body may hold
        if given is None:
            return None
        if not isinstance(given, dict) or len(given) > 16:
            raise self._wrong("'metadata' must be an object of at most 16 pairs.", "metadata")
        if any(len(key) > 64 or not isinstance(value, str) or len(value) > 512 for key, value in given.items()):
            raise self._wrong("'metadata' holds texts of 512 characters at most, under keys of 64.", "metadata")
        return given

    def _life_s(self, body: dict[str, Any]) -> float | None:
        given = body.get("output_expires_after")
        if given is None:
            return None
        seconds = given.get("seconds") if isinstance(given, dict) else None
        if not isinstance(seconds, int) or given.get("anchor") != "created_at" or not 3600 <= seconds <= 2_592_000:
            raise self._wrong("'output_expires_after' is not valid.", "output_expires_after")
        return float(seconds)

    def _created(self, request: Request, job: Job) -> Response:
        body = batch_bodies.batch_object(self._config, job)
        version = api_version(request.scope)
        if self._config.profile == "azure" and version is not None and version >= _FIRST_201_VERSION:
            model = job.examined.model
            limit = self._desk.token_limit(model)
            more = {"deployment-enqueued-tokens": str(self._desk.queued_tokens(model))}
            if limit is not None:
                more["deployment-maximum-enqueued-tokens"] = str(limit)
            return answered(self._service, body, status=201, more=more)
        created = self._config.profile == "azure_v1" and self._config.batch.created_201
        return answered(self._service, body, status=201 if created else 200)

    def _found(self, request: Request) -> Job:
        batch_id = request.path_params["batch_id"]
        job = self._desk.find(batch_id)
        if job is None:
            raise batch_refusals.no_such_batch(self._config, batch_id)
        return job

    def _wrong(self, message: str, param: str | None) -> Refusal:
        return file_refusals.bad_request(self._config, message, param=param)

    def _keep_working(self) -> None:
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            n_done = self._desk.advance(LINES_A_TURN)
            wait_s = self._desk.next_due_s()
            if wait_s is None:
                return
            # lines fall due between two changes of state: look in now and then
            pause_s = max(_SHORTEST_WAIT_S, min(wait_s, _LOOK_EVERY_S))
            await asyncio.sleep(0 if n_done == LINES_A_TURN else pause_s)
