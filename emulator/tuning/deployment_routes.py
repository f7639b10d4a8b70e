"""Azure's Resource Manager as far as deployments go: PUT, GET, list and DELETE, for bearer tokens only."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator.files.endpoints import Endpoint
from emulator.service import Service
from emulator.tuning import tuning_refusals
from emulator.tuning.deployment_desk import Deployment, DeploymentDesk
from emulator.tuning.tuning_desk import TuningDesk
from emulator.wire import refusals
from emulator.wire.refusals import Refusal
from emulator.wire.responses import JSON, Cut, api_version

PATH = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices"
    "/accounts/{account}/deployments"
)
_RETRY_AFTER_S = "1"


def deployment_routes(service: Service, desk: DeploymentDesk, tuning: TuningDesk) -> list[Route]:
    """Routes of the control plane; none in profile openai, which needs no deployments."""
    if not service.config.is_azure:
        return []
    served = _Deployments(service, desk, tuning)
    return [
        Route(PATH, served.guarded(served.list), methods=["GET"]),
        Route(f"{PATH}/{{name}}", served.guarded(served.put), methods=["PUT"]),
        Route(f"{PATH}/{{name}}", served.guarded(served.get), methods=["GET"]),
        Route(f"{PATH}/{{name}}", served.guarded(served.delete), methods=["DELETE"]),
    ]


class _Deployments:
    def __init__(self, service: Service, desk: DeploymentDesk, tuning: TuningDesk) -> None:
        self._service = service
        self._settings = service.config.tuning
        self._desk = desk
        self._tuning = tuning

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Behind the checks of version and token."""

        async def checked(request: Request) -> Response:
            try:
                self._check(request)
                return await endpoint(request)
            except Refusal as refusal:
                return _answered({"error": refusal.error}, refusal.status)

        return checked

    async def put(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise tuning_refusals.arm(400, "InvalidRequestContent", "The request content is not valid JSON.")
        found, is_new = self._desk.put(request.path_params["account"], request.path_params["name"], body)
        if self._tuning.strikes.spend("cut_after_deploy"):
            return Cut()
        more = {"azure-asyncoperation": str(request.url), "retry-after": _RETRY_AFTER_S}
        return _answered(_body(request, found), 201 if is_new else 200, more)

    async def get(self, request: Request) -> Response:
        return _answered(_body(request, self._found(request)), 200)

    async def list(self, request: Request) -> Response:
        return _answered({"value": [_body(request, each) for each in self._desk.all()]}, 200)

    async def delete(self, request: Request) -> Response:
        return Response(status_code=202 if self._desk.delete(request.path_params["name"]) else 204)

    def _check(self, request: Request) -> None:
        version, known = api_version(request.scope), self._settings.arm_versions
        if version not in known:
            text = (
                "No registered resource provider found for location and API version "
                f"'{version}' for type 'accounts/deployments'. The supported api-versions are '{', '.join(known)}'."
            )
            raise tuning_refusals.arm(400, "NoRegisteredProviderFound", text)
        raw = dict(request.scope["headers"])
        bearer = raw.get(b"authorization")
        if bearer is None:
            text = "Authentication failed. The 'Authorization' header is missing."
            raise tuning_refusals.arm(401, "AuthenticationFailed", text)
        try:
            self._service.access.check({b"authorization": bearer})
        except refusals.Refusal:
            text = "The access token is invalid."
            raise tuning_refusals.arm(401, "InvalidAuthenticationToken", text) from None

    def _found(self, request: Request) -> Deployment:
        name = request.path_params["name"]
        found = self._desk.find(name)
        if found is None:
            raise tuning_refusals.arm(404, "ResourceNotFound", f"The deployment '{name}' could not be found.")
        return found


def _body(request: Request, deployment: Deployment) -> dict[str, Any]:
    path = request.url.path.partition("/deployments")[0]
    return {
        "id": f"{path}/deployments/{deployment.name}",
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "name": deployment.name,
        "sku": deployment.body["sku"],
        "properties": {
            "model": deployment.body["properties"]["model"],
            "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
            "provisioningState": deployment.state,
        },
    }


def _answered(body: object, status: int, more: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status_code=status, headers=more, media_type=JSON)
