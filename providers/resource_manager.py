"""Azure's Resource Manager as far as deployments go: put, look, delete, with a token of Entra ID. Retries nothing."""

import asyncio
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import httpx2

from providers.error_bodies import shown
from schemas.errors import (
    ModelError,
    RejectedRequestError,
    ServiceRefusedError,
    SettingsError,
    TransientModelError,
)
from schemas.models import Tuning

if TYPE_CHECKING:
    from providers.entra import Tokens

CALL_S = 60.0
SCOPE = "https://management.azure.com/.default"
_HINTS = {
    "insufficientquota": "Ask for more quota, lower `capacity`, or undeploy another model.",
    "deploymentmodelnotsupported": "The tuned model is not known in this account, or is retired.",
    "noregisteredproviderfound": "Set `tuning.arm_version` to a version of the control plane, as 2024-10-01.",
}
_REACH = "Check `tuning.arm_url` and the network. The same command again goes on where it stopped."


@dataclass(frozen=True)
class RemoteDeployment:
    """A deployment at the Resource Manager.

    Attributes:
        state: Accepted, Creating, Succeeded, Failed, Canceled, Deleting ...
    """

    name: str
    state: str
    model: str
    sku: str
    capacity: int

    @property
    def is_settled(self) -> bool:
        """It will not change by itself."""
        return self.state in ("Succeeded", "Failed", "Canceled", "Disabled")


class ResourceManager:
    """Deployments of one account. Every method raises a ModelError: `conflict` means another operation is under way."""

    def __init__(self, tuning: Tuning, *, token: str | None, tokens: "Tokens | None") -> None:
        self._tuning = tuning
        self._token = token
        self._tokens = tokens
        self._http = httpx2.AsyncClient(timeout=CALL_S, follow_redirects=False)

    async def put(self, name: str, *, model: str, sku: str, capacity: int) -> RemoteDeployment:
        """Create or replace; the same again is harmless."""
        named: dict[str, Any] = {"format": "OpenAI", "name": model, "version": "1"}
        body = {"sku": {"name": sku, "capacity": capacity}, "properties": {"model": named}}
        return _read(await self._call("PUT", name, body))

    async def get(self, name: str) -> RemoteDeployment | None:
        """As it is now; None if there is none."""
        try:
            return _read(await self._call("GET", name))
        except RejectedRequestError as error:
            if error.http_status == 404:
                return None
            raise

    async def delete(self, name: str) -> None:
        """Begin to take it away; the model stays. Calling twice is safe."""
        await self._call("DELETE", name)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        if self._tokens is not None:
            await self._tokens.close()

    async def _call(self, method: str, name: str, body: object = None) -> dict[str, Any]:
        token = self._token if self._tokens is None else await self._tokens.get()
        headers = {"authorization": f"Bearer {token}"}
        base = self._tuning.arm_url.rstrip("/")
        url = f"{base}{self._tuning.account}/deployments/{quote(name, safe='')}"
        params = {"api-version": self._tuning.arm_version}
        try:
            async with asyncio.timeout(CALL_S):
                response = await self._http.request(method, url, params=params, json=body, headers=headers)
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            place = urlsplit(base).netloc.rpartition("@")[2]
            what = f"The Resource Manager at {place} cannot be reached ({type(error).__name__})."
            raise TransientModelError(what, code="unreachable", maybe_paid=method == "PUT", hint=_REACH) from error
        if response.status_code >= 400:
            raise _error(response.status_code, response.content, token)
        return _object(response.content)


def open_resource_manager(tuning: Tuning, *, environ: Mapping[str, str]) -> ResourceManager:
    """A client for the deployments of an account.

    Raises:
        SettingsError: no account is named, or the token's variable is not set.
    """
    if tuning.account is None:
        hint = "`tuning: {account: /subscriptions/.../accounts/NAME}` in the models file."
        raise SettingsError("no Azure account is named to deploy in.", where="tuning.account", hint=hint)
    if tuning.token_env is None:
        entra = importlib.import_module("providers.entra")  # azure-identity is slow to import
        return ResourceManager(tuning, token=None, tokens=cast("Tokens", entra.open_tokens(SCOPE)))
    token = environ.get(tuning.token_env, "").strip()
    if not token:
        raise SettingsError(f"{tuning.token_env} is not set.", where="tuning.token_env", code="key_missing")
    return ResourceManager(tuning, token=token, tokens=None)


def _read(body: Mapping[str, Any]) -> RemoteDeployment:
    properties, sku = body.get("properties") or {}, body.get("sku") or {}
    return RemoteDeployment(
        name=str(body.get("name") or ""),
        state=str(properties.get("provisioningState") or ""),
        model=str((properties.get("model") or {}).get("name") or ""),
        sku=str(sku.get("name") or ""),
        capacity=int(sku.get("capacity") or 0),
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content) if content else {}
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}


def _error(status: int, content: bytes, token: str | None) -> ModelError:
    said = _object(content).get("error")
    error = said if isinstance(said, dict) else {}
    code = str(error.get("code") or status)
    message = shown(str(error.get("message") or ""), () if token is None else (token,))
    what = f"The Resource Manager says {code}: {message}" if message else f"The Resource Manager says {code}."
    if status == 409:
        return TransientModelError(what, code="conflict", http_status=409)
    if status in (401, 403):
        hint = "Deploying needs the right Microsoft.CognitiveServices/accounts/deployments/write."
        return ServiceRefusedError(what, code="forbidden", http_status=status, hint=hint)
    if status == 429 or status >= 500:
        return TransientModelError(what, code="server_error", http_status=status)
    return RejectedRequestError(what, code=code, http_status=status, hint=_HINTS.get(code.lower(), ""))
