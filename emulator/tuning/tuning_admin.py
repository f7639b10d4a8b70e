"""The emulator's own addresses about fine-tuning: what was created, deployed and hosted, and faults at run time."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.tuning.deployment_desk import Deployment, DeploymentDesk
from emulator.tuning.tuning_config import parse_tuning_faults
from emulator.tuning.tuning_desk import TuningDesk
from emulator.tuning.tuning_job import TuningJob
from schemas.errors import SettingsError

_HOUR_S = 3600.0


def tuning_admin_routes(tuning: TuningDesk, deployments: DeploymentDesk) -> list[Route]:
    """Routes of the admin interface; they need no key."""

    async def told(_: Request) -> Response:
        jobs, now = tuning.all(), tuning.now()
        files = [job.order.training_file for job in jobs]
        return JSONResponse(
            {
                "created": len(jobs),
                "same_files": len(files) - len(set(files)),
                "jobs": [_job(tuning, job) for job in jobs],
                "models": sorted(tuning.tuned),
                "puts": deployments.n_puts,
                "deployments": [_deployment(each, now) for each in deployments.history],
                "now": now,
            }
        )

    async def get_faults(_: Request) -> Response:
        return JSONResponse(tuning.faults.model_dump())

    async def put_faults(request: Request) -> Response:
        try:
            data = json.loads(await request.body())
        except ValueError:
            data = None
        try:
            tuning.set_faults(parse_tuning_faults(data, where="PUT /emulator/tuning-faults"))
        except SettingsError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(tuning.faults.model_dump())

    return [
        Route("/emulator/tuning", told, methods=["GET"]),
        Route("/emulator/tuning-faults", get_faults, methods=["GET"]),
        Route("/emulator/tuning-faults", put_faults, methods=["PUT"]),
    ]


def _job(tuning: TuningDesk, job: TuningJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status,
        "model": job.order.model,
        "training_file": job.order.training_file,
        "validation_file": job.order.validation_file,
        "suffix": job.order.suffix,
        "tuned": tuning.model_id(job) if job.status == "succeeded" else None,
    }


def _deployment(each: Deployment, now: float) -> dict[str, Any]:
    until = now if each.removed_at is None else each.removed_at
    return {
        "name": each.name,
        "model": each.model,
        "sku": each.body["sku"],
        "state": "Removed" if each.removed_at is not None else each.state,
        "hosted_hours": max(0.0, until - each.settled_at) / _HOUR_S,
    }
