"""What the endpoints of files, batches and trainings share: checks before, bodies read, answers and pages made."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from emulator.config import EmulatorConfig
from emulator.files.file_refusals import bad_request
from emulator.service import Service
from emulator.wire import headers
from emulator.wire.refusals import Refusal
from emulator.wire.responses import JSON, check_version, refused

Endpoint = Callable[[Request], Awaitable[Response]]

Listed = TypeVar("Listed", bound=Any)


def guarded(service: Service, endpoint: Endpoint) -> Endpoint:
    """An endpoint behind the checks of version and key, whose refusals become responses."""

    async def checked(request: Request) -> Response:
        raw = dict(request.scope["headers"])
        try:
            check_version(service.config, request.scope)
            service.access.check(raw)
            return await endpoint(request)
        except Refusal as refusal:
            return refused(service, refusal, call_id=headers.client_id(raw.items()))

    return checked


def answered(service: Service, body: object, *, status: int = 200, more: dict[str, str] | None = None) -> Response:
    """A JSON body with the headers every answer carries."""
    request_id = f"req_emulator_{service.arrivals.total:010d}"
    shown = headers.identity(service.config, request_id=request_id, call_id="", took_s=0.0)
    shown |= {} if more is None else more
    return Response(json.dumps(body), status_code=status, headers=shown, media_type=JSON)


def json_object(config: EmulatorConfig, content: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        Refusal: 400, it is no JSON or no object.
    """
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise bad_request(config, "We could not parse the JSON body of your request.", param=None)
    return body


def page(service: Service, request: Request, listed: Sequence[Listed], *, default: int, most: int) -> list[Listed]:
    """The entries that follow `after`, one more than `limit` if there are more.

    Raises:
        Refusal: 400, the limit is no number in range or `after` names nothing.
    """
    limit = page_limit(service, request, default=default, most=most)
    after = request.query_params.get("after")
    start = 0
    if after:
        ids = [entry.id for entry in listed]
        if after not in ids:
            raise bad_request(service.config, f"No entry has the id '{after}'.", param="after")
        start = ids.index(after) + 1
    return list(listed[start : start + limit + 1])


def page_limit(service: Service, request: Request, *, default: int, most: int) -> int:
    """The number of entries asked for.

    Raises:
        Refusal: 400.
    """
    text = request.query_params.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        message = f"'limit' must be a whole number from 1 to {most}."
        raise bad_request(service.config, message, param="limit")
    return int(text)
