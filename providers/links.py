"""The SDK set up for a deployment: address, key and authentication. Who sends what with it is another matter."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import httpx2
import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAioHttpClient
from pydantic import SecretStr

from providers.service import base_url
from providers.sessions import KEEP_ALIVE_S, MAX_CONNECTIONS
from schemas.errors import SettingsError
from schemas.models import Deployment, Model

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from providers.entra import Tokens

_NO_KEY = "none"


@dataclass(frozen=True)
class Link:
    """The SDK set up for one deployment, shared by the chat and the batch client.

    Attributes:
        sdk: its client, without retries.
        headers: to be sent with every call.
        secret: the key in use, to be kept out of messages; None if there is none.
        tokens: of Entra ID, for `auth: entra`; the SDK asks it by itself before each of its own requests.
    """

    sdk: AsyncOpenAI
    headers: dict[str, str | openai.Omit] = field(repr=False)
    secret: SecretStr | None
    tokens: "Tokens | None" = field(repr=False)

    async def close(self) -> None:
        """Close the SDK's connections and the credential."""
        await self.sdk.close()
        if self.tokens is not None:
            await self.tokens.close()


def open_link(
    model: Model,
    deployment: Deployment,
    *,
    environ: Mapping[str, str],
    credential: "AsyncTokenCredential | None" = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Link:
    """Address, key and connections of one deployment. Opens no connection yet.

    Args:
        model: entry of the models file.
        deployment: one of its deployments.
        environ: where the key's variable is looked up.
        credential: for `auth: entra`; default: what azure-identity finds.
        transport: what takes the SDK's requests; default: the network.

    Raises:
        SettingsError: the key's variable is not named, not set, or holds no key.
    """
    access = _access(deployment, environ, credential)
    make = _azure_sdk if model.provider == "azure" else _openai_sdk
    headers: dict[str, str | openai.Omit] = {}
    if model.provider == "azure_v1" and deployment.auth == "key":
        headers = {"api-key": access.key, "Authorization": openai.omit}
    sdk = make(model, deployment, access, _http_client(transport))
    return Link(sdk, headers, access.secret, access.tokens)


@dataclass(frozen=True)
class _Access:
    secret: SecretStr | None = None
    tokens: "Tokens | None" = field(default=None, repr=False)

    @property
    def key(self) -> str:
        return self.secret.get_secret_value() if self.secret is not None else _NO_KEY


def _access(deployment: Deployment, environ: Mapping[str, str], credential: "AsyncTokenCredential | None") -> _Access:
    if deployment.auth == "none":
        return _Access()
    if deployment.auth == "entra":
        # azure-identity costs half a second to import: only who signs in with it pays
        entra = importlib.import_module("providers.entra")
        return _Access(tokens=cast("Tokens", entra.open_tokens(deployment.scope, credential)))
    return _Access(secret=read_key(deployment, environ))


def read_key(deployment: Deployment, environ: Mapping[str, str]) -> SecretStr:
    """The deployment's key.

    Raises:
        SettingsError: its variable is not named, not set, or holds something no header can carry.
    """
    where, name = f"deployment {deployment.name}", deployment.api_key_env
    if name is None:
        raise SettingsError("No environment variable is named for the key.", where=where, hint="Add `api_key_env`.")
    key = environ.get(name, "").strip()
    if not key:
        hint = f"Set {name} in the environment or in .env."
        raise SettingsError(f"{name} is not set.", where=where, hint=hint, code="key_missing")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            f"{name} holds characters no key has.", where=where, hint="Set it again.", code="key_broken"
        )
    return SecretStr(key)


def _openai_sdk(model: Model, deployment: Deployment, access: _Access, http_client: httpx2.AsyncClient) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=base_url(model, deployment),
        api_key=access.tokens.get if access.tokens is not None else access.key,
        max_retries=0,
        http_client=http_client,
    )


def _azure_sdk(model: Model, deployment: Deployment, access: _Access, http_client: httpx2.AsyncClient) -> AsyncOpenAI:
    bearer = access.key if deployment.auth == "bearer" else None
    provider = access.tokens.get if access.tokens is not None else None
    return AsyncAzureOpenAI(
        base_url=base_url(model, deployment),
        api_version=model.api_version,
        api_key=access.key if bearer is None and provider is None else None,
        azure_ad_token=bearer,
        azure_ad_token_provider=provider,
        max_retries=0,
        http_client=http_client,
    )


def _http_client(transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    if transport is not None:
        return httpx2.AsyncClient(transport=transport, follow_redirects=False)
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S)
    return DefaultAioHttpClient(limits=limits, follow_redirects=False)
