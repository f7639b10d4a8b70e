"""Small calls to a service's REST paths through the SDK: bounded, told apart, read as JSON, listed page by page."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2

from providers.batch_errors import translate
from providers.errors_map import EXPECTED
from providers.links import Link
from schemas.errors import TransientModelError

CALL_S = 60.0
"""Patience with one small call."""

CONNECT_S = 10.0
"""Patience with one connection."""

_PAGE = 100
_MOST_PAGES = 1_000

Value = TypeVar("Value")


class RestClient:
    """What the clients of files, batches and tuning jobs share. Belongs to one event loop; close it in that loop."""

    def __init__(self, link: Link, *, endpoint: str) -> None:
        self._link = link
        self._sdk = link.sdk
        self._endpoint = endpoint

    async def close(self) -> None:
        """Close all connections. Calling twice is safe."""
        await self._link.close()

    async def _pages(self, path: str, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
        seen: set[str] = set()
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            params = {**query, "limit": str(_PAGE), **after}
            body = await self._json(lambda params=params: self._get(path, params))  # type: ignore[misc]
            data = body.get("data")
            listed = data if isinstance(data, list) else []
            fresh = [each for each in listed if isinstance(each, dict) and each.get("id") not in seen]
            for entry in fresh:
                seen.add(str(entry.get("id")))
                yield entry
            # a version without pages ignores `after` and sends the same again
            if not fresh or body.get("has_more") is False:
                return
            after = {"after": str(fresh[-1].get("id"))}

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> httpx2.Response:
        options = self._options(CALL_S)
        if params is not None:
            options["params"] = dict(params)
        return await self._sdk.get(path, cast_to=httpx2.Response, options=options)

    async def _post(self, path: str, body: object) -> httpx2.Response:
        return await self._sdk.post(path, cast_to=httpx2.Response, body=body, options=self._options(CALL_S))

    def _options(self, timeout_s: float, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - the SDK's own mapping
        # connecting fails first: only then is it known that nothing was sent
        connect_s = min(CONNECT_S, 0.8 * timeout_s)
        return {
            "headers": {**self._link.headers, **(headers or {})},
            "timeout": httpx2.Timeout(None, connect=connect_s, pool=connect_s),
            "follow_redirects": False,
        }

    async def _json(
        self,
        send: Callable[[], Awaitable[httpx2.Response]],
        *,
        timeout_s: float = CALL_S,
        makes_something: bool = False,
    ) -> dict[str, Any]:
        response = await self._call(send, timeout_s=timeout_s, makes_something=makes_something)
        try:
            body = json.loads(response.content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            what = "The answer is no JSON object."
            raise TransientModelError(what, code="malformed_response", http_status=200, maybe_paid=makes_something)
        return body

    async def _call(
        self,
        send: Callable[[], Awaitable[Value]],
        *,
        timeout_s: float = CALL_S,
        makes_something: bool = False,
    ) -> Value:
        try:
            async with asyncio.timeout(timeout_s):
                return await send()
        except EXPECTED as error:
            # the cause stays out: its text is the service's, uncut
            raise translate(error, makes_something=makes_something, secrets=self._secrets()) from None

    def _secrets(self) -> tuple[str, ...]:
        return () if self._link.secret is None else (self._link.secret.get_secret_value(),)


def path_part(identifier: str) -> str:
    """An id as one part of a path, whatever is in it."""
    return quote(identifier, safe="")
