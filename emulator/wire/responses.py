"""Refusals as HTTP responses, the check of the dated version, and a response that is a cut connection."""

import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulator.config import EmulatorConfig
from emulator.service import Service
from emulator.wire import headers, refusals
from emulator.wire.connections import cut
from emulator.wire.refusals import Refusal

JSON = "application/json"


class Cut(Response):
    """No response at all: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut it."""
        await cut(scope, receive)


def refused(service: Service, refusal: Refusal, *, call_id: str) -> Response:
    """A request turned away, with hints and quota headers."""
    config = service.config
    request_id = f"req_emulator_{service.arrivals.total:010d}"
    shown = headers.identity(config, request_id=request_id, call_id=call_id, took_s=0.0)
    shown |= headers.hint(config, refusal.wait_s)
    if refusal.name is not None:
        shown |= headers.rates(config, service.targets[refusal.name].pool, service.clock())
    body = json.dumps({"error": refusal.error})
    return Response(body, status_code=refusal.status, headers=shown, media_type=JSON)


def api_version(scope: Scope) -> str | None:
    """The dated version that a request names."""
    query = scope["query_string"].decode("latin-1")
    given = [part.partition("=")[2] for part in query.split("&") if part.startswith("api-version=")]
    return given[0] if given else None


def check_version(config: EmulatorConfig, scope: Scope) -> None:
    """Let a request pass that names a version which exists, where versions are dated.

    Raises:
        Refusal: 404.
    """
    if config.profile == "azure" and api_version(scope) not in config.api_versions:
        raise refusals.unknown_path(config, scope["method"], scope["path"])
