"""The addresses of fine-tuning jobs: create, retrieve, list, events, checkpoints, pause, resume, cancel."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator.files.endpoints import answered, guarded, page, page_limit
from emulator.files.shelf import Shelf
from emulator.service import Service
from emulator.tuning import tuning_bodies, tuning_refusals
from emulator.tuning.tuning_desk import TuningDesk
from emulator.tuning.tuning_job import TuningJob
from emulator.tuning.tuning_order import read_order
from emulator.wire import refusals
from emulator.wire.responses import Cut, api_version


def tuning_routes(service: Service, shelf: Shelf, desk: TuningDesk) -> list[Route]:
    """Routes under the base path of the profile."""
    jobs = _Jobs(service, shelf, desk)
    base = f"{service.config.base_path}/fine_tuning/jobs"
    one = f"{base}/{{job_id}}"

    def route(path: str, endpoint: Any, method: str) -> Route:  # noqa: ANN401 - Starlette's own type
        return Route(path, guarded(service, endpoint), methods=[method])

    routes = [
        route(base, jobs.create, "POST"),
        route(base, jobs.list, "GET"),
        route(one, jobs.retrieve, "GET"),
        route(f"{one}/events", jobs.events, "GET"),
        route(f"{one}/checkpoints", jobs.checkpoints, "GET"),
        route(f"{one}/cancel", jobs.cancel, "POST"),
        route(f"{one}/pause", jobs.pause, "POST"),
        route(f"{one}/resume", jobs.resume, "POST"),
    ]
    return [*routes, route(one, jobs.delete, "DELETE")] if service.config.profile == "azure" else routes


class _Jobs:
    def __init__(self, service: Service, shelf: Shelf, desk: TuningDesk) -> None:
        self._service = service
        self._config = service.config
        self._shelf = shelf
        self._desk = desk

    async def create(self, request: Request) -> Response:
        content = await request.body()
        self._desk.advance()
        order = read_order(self._service, self._shelf, self._desk, content)
        if self._desk.strikes.spend("cut_before_create"):
            return Cut()
        job = self._desk.create(order)
        if self._desk.strikes.spend("cut_after_create"):
            return Cut()
        if self._desk.strikes.spend("error_after_create"):
            raise refusals.server_error(self._config, 500)
        body = self._body(job)
        if self._config.profile != "azure":
            return answered(self._service, body)
        location = f"{str(request.url).partition('?')[0]}/{job.id}?api-version={api_version(request.scope)}"
        return answered(self._service, body, status=201, more={"location": location})

    async def list(self, request: Request) -> Response:
        jobs = self._desk.all()[::-1]
        return self._page(request, jobs, [self._body(job) for job in jobs], default=20)

    async def retrieve(self, request: Request) -> Response:
        return answered(self._service, self._body(self._found(request)))

    async def events(self, request: Request) -> Response:
        job = self._found(request)
        # OpenAI shows the newest first, Azure's example the oldest
        events = job.events if self._config.is_azure else job.events[::-1]
        return self._page(request, events, [tuning_bodies.event_object(each) for each in events], default=20)

    async def checkpoints(self, request: Request) -> Response:
        job = self._found(request)
        at = self._shelf.time.now() if job.finished_at is None else job.finished_at
        made = self._desk.checkpoints(job)
        bodies = [tuning_bodies.checkpoint_object(self._desk, job, each, at=at) for each in made]
        return answered(self._service, _list(bodies, has_more=False))

    async def cancel(self, request: Request) -> Response:
        job = self._found(request)
        self._desk.cancel(job)
        return answered(self._service, self._body(job))

    async def pause(self, request: Request) -> Response:
        job = self._found(request)
        self._desk.pause(job)
        return answered(self._service, self._body(job))

    async def resume(self, request: Request) -> Response:
        job = self._found(request)
        self._desk.resume(job)
        return answered(self._service, self._body(job))

    async def delete(self, request: Request) -> Response:
        job = self._found(request)
        if not job.is_over:
            raise tuning_refusals.wrong_state(self._config, "delete", job.status)
        self._desk.delete(job)
        return Response(status_code=204)

    def _page(self, request: Request, entries: Any, bodies: Any, *, default: int) -> Response:  # noqa: ANN401 - jobs or events
        shown = page(self._service, request, entries, default=default, most=100)
        limit = page_limit(self._service, request, default=default, most=100)
        by_id = dict(zip((each.id for each in entries), bodies, strict=True))
        return answered(self._service, _list([by_id[each.id] for each in shown[:limit]], has_more=len(shown) > limit))

    def _body(self, job: TuningJob) -> dict[str, Any]:
        return tuning_bodies.job_object(self._config, self._desk, job)

    def _found(self, request: Request) -> TuningJob:
        job_id = request.path_params["job_id"]
        job = self._desk.find(job_id)
        if job is None:
            raise tuning_refusals.no_such_job(self._config, job_id)
        return job


def _list(bodies: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    ends = {"first_id": bodies[0]["id"], "last_id": bodies[-1]["id"]} if bodies else {"first_id": None, "last_id": None}
    return {"object": "list", "data": bodies, **ends, "has_more": has_more}
