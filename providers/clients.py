"""Chat clients: one per deployment and event loop, on the SDK's connection, authentication and URL rules.

The call goes through `client.post` with a raw response, not through the typed `create`, which costs twice the
processor time; nothing is retried here, because every try has to pass the limiter.
"""

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import httpx2
import openai
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAioHttpClient
from pydantic import SecretStr

from providers import errors_map
from providers.rate_hints import rate_hints
from providers.replies import Reply, read_reply
from providers.service import base_url, chat_path, wire_name
from schemas.errors import RejectedRequestError, SettingsError
from schemas.models import Deployment, Model

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from providers.entra import Tokens

MAX_CONNECTIONS = 4096
"""As many as one process may have calls in flight."""

KEEP_ALIVE_S = 4.0
"""Idle connections are dropped before servers drop them (uvicorn after 5 s): a call on a connection that has just
been closed at the other end looks like one that may have been paid."""

CONNECT_S = 10.0
_NO_KEY = "none"


class ChatClient:
    """Chat completions of one deployment. Belongs to the event loop of its first call; close it in that loop."""

    def __init__(
        self,
        sdk: AsyncOpenAI,
        *,
        path: str,
        model: str,
        headers: Mapping[str, str | openai.Omit],
        id_header: str,
        secret: SecretStr | None = None,
        on_close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._sdk = sdk
        self._path = path
        self._model = model
        self._headers = dict(headers)
        self._id_header = id_header
        self._secret = secret
        self._on_close = on_close
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"ChatClient(model={self._model!r}, path={self._path!r})"

    async def complete(self, body: dict[str, Any], *, call_id: str, timeout_s: float) -> Reply:
        """One answer to one request. Nothing is retried.

        Args:
            body: messages and wire parameters; the deployment's name is put in as `model`, over any there.
            call_id: sent as the client's request id, so that the service's log names the call.
            timeout_s: for the whole call, connecting and reading included.

        Raises:
            ModelError: one of its classes for every way in which no answer comes.
        """
        self._hold_to_one_loop()
        content = _encode({**body, "model": self._model})
        started = perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._post(content, call_id, timeout_s)
        except errors_map.EXPECTED as error:
            reply = errors_map.reply_of(error, latency_s=perf_counter() - started)
            if reply is not None:
                return reply
            # the cause stays out: its text is the service's, unshortened and perhaps with a part of the key
            raise errors_map.translate(error, now=datetime.now(UTC), secrets=self._secrets()) from None
        latency_s = perf_counter() - started
        return read_reply(response.content, latency_s=latency_s, limits=rate_hints(response.headers))

    async def close(self) -> None:
        """Close all connections. Calling twice is safe."""
        await self._sdk.close()
        if self._on_close is not None:
            await self._on_close()
            self._on_close = None

    async def _post(self, content: bytes, call_id: str, timeout_s: float) -> httpx2.Response:
        # connecting must fail first: only then is it known that nothing was sent
        connect_s = min(CONNECT_S, 0.8 * timeout_s)
        return await self._sdk.post(
            self._path,
            cast_to=httpx2.Response,
            content=content,
            options={
                "headers": {**self._headers, self._id_header: call_id},
                "timeout": httpx2.Timeout(None, connect=connect_s, pool=connect_s),
                "follow_redirects": False,
            },
        )

    def _hold_to_one_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("a ChatClient serves one event loop; open another for this one")

    def _secrets(self) -> tuple[str, ...]:
        return () if self._secret is None else (self._secret.get_secret_value(),)


def open_client(
    model: Model,
    deployment: Deployment,
    *,
    environ: Mapping[str, str],
    credential: "AsyncTokenCredential | None" = None,
) -> ChatClient:
    """A client of one deployment. Opens no connection yet.

    Args:
        model: entry of the models file.
        deployment: one of its deployments.
        environ: where the key's variable is looked up.
        credential: for `auth: entra`; default: what azure-identity finds.

    Raises:
        SettingsError: the key's variable is not named, not set, or holds no key.
    """
    link = open_link(model, deployment, environ=environ, credential=credential)
    return ChatClient(
        link.sdk,
        path=chat_path(model, deployment),
        model=wire_name(model, deployment),
        headers=link.headers,
        id_header="X-Client-Request-Id" if model.provider == "openai" else "x-ms-client-request-id",
        secret=link.secret,
        on_close=link.on_close,
    )


@dataclass(frozen=True)
class Link:
    """The SDK set up for one deployment, shared by the chat and the batch client.

    Attributes:
        sdk: its client, without retries.
        headers: to be sent with every call.
        secret: the key in use, to be kept out of messages; None if there is none.
        on_close: to be awaited at the end.
    """

    sdk: AsyncOpenAI
    headers: dict[str, str | openai.Omit] = field(repr=False)
    secret: SecretStr | None
    on_close: Callable[[], Awaitable[None]] | None


def open_link(
    model: Model,
    deployment: Deployment,
    *,
    environ: Mapping[str, str],
    credential: "AsyncTokenCredential | None" = None,
) -> Link:
    """Address, key and connections of one deployment; arguments and errors as for `open_client`."""
    access = _access(deployment, environ, credential)
    make = _azure_sdk if model.provider == "azure" else _openai_sdk
    headers: dict[str, str | openai.Omit] = {}
    if model.provider == "azure_v1" and deployment.auth == "key":
        headers = {"api-key": access.key, "Authorization": openai.omit}
    on_close = access.tokens.close if access.tokens is not None else None
    return Link(make(model, deployment, access), headers, access.secret, on_close)


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


def _openai_sdk(model: Model, deployment: Deployment, access: _Access) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=base_url(model, deployment),
        api_key=access.tokens.get if access.tokens is not None else access.key,
        max_retries=0,
        http_client=_http_client(),
    )


def _azure_sdk(model: Model, deployment: Deployment, access: _Access) -> AsyncOpenAI:
    bearer = access.key if deployment.auth == "bearer" else None
    provider = access.tokens.get if access.tokens is not None else None
    return AsyncAzureOpenAI(
        base_url=base_url(model, deployment),
        api_version=model.api_version,
        api_key=access.key if bearer is None and provider is None else None,
        azure_ad_token=bearer,
        azure_ad_token_provider=provider,
        max_retries=0,
        http_client=_http_client(),
    )


def _http_client() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S)
    return DefaultAioHttpClient(limits=limits, follow_redirects=False)


def _encode(body: dict[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        # a lone surrogate, NaN, or a value YAML has and JSON has not
        raise RejectedRequestError("The request cannot be written as JSON.", code="not_json") from error
