"""Chat clients: one per deployment and event loop. The SDK says what a request looks like, aiohttp carries it.

Nothing is retried here, because every try has to pass the limiter.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
from yarl import URL

from providers import errors_map
from providers.echoes import texts_of
from providers.error_bodies import read_service_error
from providers.keyless import without_keys
from providers.links import Link, open_link, read_key
from providers.rate_hints import rate_hints
from providers.replies import Reply, read_reply
from providers.service import call_path, wire_name
from providers.sessions import connect_timeout, open_session
from providers.templates import Recorder, record
from schemas.errors import RejectedRequestError, TransientModelError
from schemas.models import Deployment, Model

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = ["ChatClient", "open_client", "read_key"]


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    content: bytes


class ChatClient:
    """Calls of one deployment, chats or prompts. Belongs to the event loop of its first call; close it in that loop."""

    def __init__(self, link: Link, recorder: Recorder, *, path: str, model: str, id_header: str) -> None:
        self._link = link
        self._recorder = recorder
        self._path = path
        self._model = model
        self._id_header = id_header
        self._secret = link.secret
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: tuple[aiohttp.ClientSession, URL] | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"ChatClient(model={self._model!r}, path={self._path!r})"

    async def complete(self, body: dict[str, Any], *, call_id: str, timeout_s: float) -> Reply:
        """One answer to one request. Nothing is retried.

        Args:
            body: messages or prompt, and wire parameters; the deployment's name is put in as `model`, over any there.
            call_id: sent as the client's request id, so that the service's log names the call.
            timeout_s: for the whole call, connecting and reading included.

        Raises:
            ModelError: one of its classes for every way in which no answer comes.
        """
        self._hold_to_one_loop()
        content = _encode({**body, "model": self._model})
        started = perf_counter()
        try:
            ends_at = asyncio.get_running_loop().time() + timeout_s
            async with asyncio.timeout_at(ends_at):
                answer = await self._post(content, call_id, ends_at)
        except errors_map.EXPECTED as error:
            # the cause stays out: its text is the service's, unshortened and perhaps with a part of the key
            raise errors_map.translate(error, now=datetime.now(UTC), secrets=self._secrets()) from None
        latency_s = perf_counter() - started
        if 200 <= answer.status < 300:
            return read_reply(answer.content, latency_s=latency_s, limits=rate_hints(answer.headers))
        return self._refused(answer, latency_s, texts_of(body))

    async def close(self) -> None:
        """Close all connections. Calling twice is safe."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._opened is not None:
            await self._opened[0].close()
        await self._link.close()

    async def _post(self, content: bytes, call_id: str, ends_at: float) -> _Answer:
        session, url = self._opened if self._opened is not None else await self._open()
        headers = {self._id_header: call_id}
        if self._link.tokens is not None:
            headers["Authorization"] = f"Bearer {await self._link.tokens.get()}"
        # opening the session and waiting for a token have used up some of the time
        timeout = connect_timeout(ends_at - asyncio.get_running_loop().time())
        posting = session.post(url, data=content, headers=headers, allow_redirects=False, timeout=timeout)
        async with posting as response:
            return _Answer(response.status, response.headers, without_keys(await response.read(), self._secrets()))

    async def _open(self) -> tuple[aiohttp.ClientSession, URL]:
        template = await record(self._link.sdk, self._recorder, self._path, self._link.headers)
        # calls that came meanwhile may have opened or closed it
        if self._is_closed:
            raise TransientModelError("The client is closed.", code="unreachable")
        if self._opened is None:
            self._opened = open_session(template.url, template.headers), template.url
        return self._opened

    def _refused(self, answer: _Answer, latency_s: float, sent: str) -> Reply:
        said = read_service_error(answer.status, answer.content)
        reply = errors_map.reply_in(said, latency_s=latency_s, limits=rate_hints(answer.headers))
        if reply is None:
            now, secrets = datetime.now(UTC), self._secrets()
            raise errors_map.refusal(said, answer.headers, now=now, secrets=secrets, sent=sent)
        return reply

    def _hold_to_one_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("a ChatClient serves one event loop; open another for this one")
        if self._is_closed:
            raise TransientModelError("The client is closed.", code="unreachable")

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
    recorder = Recorder()
    return ChatClient(
        open_link(model, deployment, environ=environ, credential=credential, transport=recorder),
        recorder,
        path=call_path(model, deployment),
        model=wire_name(model, deployment),
        id_header="X-Client-Request-Id" if model.provider == "openai" else "x-ms-client-request-id",
    )


def _encode(body: dict[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        # a lone surrogate, NaN, or a value YAML has and JSON has not
        raise RejectedRequestError("The request cannot be written as JSON.", code="not_json") from error
