"""The addresses of a profile, as an ASGI application.

The chat address is plain ASGI: no request object, no validation layer, one JSON decode and one encode, because the
emulator shares the machine with the workers that are being measured against it.
"""

import asyncio
import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emulator.admin import admin_routes
from emulator.batches.batch_desk import BatchDesk
from emulator.batches.batch_routes import batch_routes
from emulator.config import EmulatorConfig
from emulator.faults import Fault
from emulator.files.file_routes import file_routes
from emulator.files.shelf import Shelf
from emulator.service import Call, CutConnectionError, Form, Service
from emulator.service_time import ServiceTime
from emulator.tuning.deployment_desk import DeploymentDesk
from emulator.tuning.deployment_routes import deployment_routes
from emulator.tuning.tuning_admin import tuning_admin_routes
from emulator.tuning.tuning_desk import TuningDesk
from emulator.tuning.tuning_routes import tuning_routes
from emulator.wire import bodies, headers, refusals
from emulator.wire.completion_bodies import answer_body
from emulator.wire.connections import cut, is_connected
from emulator.wire.refusals import Refusal
from emulator.wire.responses import JSON, check_version, refused


def create_app(config: EmulatorConfig, service: Service | None = None) -> Starlette:
    """An emulator as an ASGI application.

    Args:
        config: its settings.
        service: state to serve instead of a fresh one (tests bring their own clock).
    """
    service = service if service is not None else Service(config)
    shelf = Shelf(ServiceTime(config.batch_speed, clock=service.clock, wall=service.wall))
    desk = BatchDesk(service, shelf)
    tuning = TuningDesk(service, shelf)
    deployments = DeploymentDesk(service, tuning, shelf.time)
    service.before_lookup = deployments.advance
    base, models = config.base_path, ModelsEndpoint(service)
    calls = base + ("/deployments/{deployment}" if config.profile == "azure" else "")
    routes = [
        Route(f"{calls}/chat/completions", CallEndpoint(service, "chat"), methods=["POST"]),
        Route(f"{calls}/completions", CallEndpoint(service, "completion"), methods=["POST"]),
        Route(f"{base}/models", models, methods=["GET"]),
        Route(f"{base}/models/{{name}}", models, methods=["GET"]),
        *file_routes(service, shelf, desk),
        *batch_routes(service, shelf, desk),
        *tuning_routes(service, shelf, tuning),
        *deployment_routes(service, deployments, tuning),
        *admin_routes(service, shelf, desk),
        *tuning_admin_routes(tuning, deployments),
    ]

    async def not_found(request: Request, _: Exception) -> Response:
        refusal = refusals.unknown_path(config, request.method, request.url.path)
        return refused(service, refusal, call_id="")

    handlers: dict[Any, Any] = {404: not_found, 405: not_found}
    return Starlette(routes=routes, exception_handlers=handlers)


class CallEndpoint:
    """POST .../chat/completions and .../completions."""

    def __init__(self, service: Service, form: Form) -> None:
        self._service = service
        self._form: Form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        service, started_s = self._service, time.perf_counter()
        body = await _body(receive)
        found = dict(scope["headers"])
        deployment = scope.get("path_params", {}).get("deployment")
        try:
            check_version(service.config, scope)
            call = service.accept(found, body, deployment, self._form)
        except Refusal as refusal:
            service.arrivals.ended(refusal.status, "")
            response = refused(service, refusal, call_id=headers.client_id(found.items()))
            await response(scope, receive, send)
            return
        except CutConnectionError:
            service.arrivals.ended(0, Fault.DROP_BEFORE.value)
            await cut(scope, receive)
            return
        try:
            await self._answer(call, started_s, scope, receive, send)
        finally:
            service.books.end(call.number)

    async def _answer(self, call: Call, started_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        service = self._service
        if call.wait_s > 0:
            await asyncio.sleep(call.wait_s)
        service.finish(call, is_connected=is_connected(scope))
        dropped = call.fault is Fault.DROP_AFTER
        service.arrivals.ended(0 if dropped else 200, "" if call.fault is None else call.fault.value)
        if dropped:
            await cut(scope, receive)
            return
        await _answered(service, call, time.perf_counter() - started_s)(scope, receive, send)


class ModelsEndpoint:
    """GET .../models and .../models/NAME."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """List the names served, or tell one."""
        service = self._service
        name = scope.get("path_params", {}).get("name")
        try:
            check_version(service.config, scope)
            service.access.check(dict(scope["headers"]))
            names = list(service.targets) if name is None else [service.target(name).name]
        except Refusal as refusal:
            await refused(service, refusal, call_id="")(scope, receive, send)
            return
        found = [_model_object(service, each) for each in names]
        body = {"object": "list", "data": found} if name is None else found[0]
        await Response(json.dumps(body), media_type=JSON)(scope, receive, send)


def _model_object(service: Service, name: str) -> dict[str, Any]:
    facts = service.targets[name].facts
    if service.config.profile != "azure":
        return bodies.model_object(name, facts.snapshot)
    return bodies.dated_model_object(name, facts.snapshot, in_prompts=facts.family == "completion")


def _answered(service: Service, call: Call, took_s: float) -> Response:
    config = service.config
    body = answer_body(
        call.order,
        call.answer,
        number=f"{call.number:010d}",
        created=int(call.accepted_at),
        snapshot=call.target.facts.snapshot,
        seed=config.seed,
        azure=config.is_azure,
    )
    raw = json.dumps(body).encode()
    if call.fault is Fault.MALFORMED_JSON:
        raw = raw[: len(raw) // 2]
    shown = headers.identity(config, request_id=f"req_emulator_{call.number:010d}", call_id=call.call_id, took_s=took_s)
    shown |= headers.rates(config, call.target.pool, service.clock())
    return Response(raw, headers=shown, media_type=JSON)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
