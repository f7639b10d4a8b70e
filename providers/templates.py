"""The request that the SDK would send, taken off it once: address, authentication and all its headers.

Building it anew for every call costs the SDK and httpx2 two thirds of the processor time of a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2
import openai
from yarl import URL

_OF_THE_MESSAGE = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "x-stainless-read-timeout"}
)
"""Headers that depend on the body and on who sends and unpacks it; aiohttp writes its own."""


@dataclass(frozen=True)
class Template:
    """What all calls of a client have in common.

    Attributes:
        url: whole address, query included.
        headers: keys among them, hence not shown.
    """

    url: URL
    headers: dict[str, str] = field(repr=False)


class Recorder(httpx2.AsyncBaseTransport):
    """Stands where the SDK expects the network: keeps the request and answers with an empty 200."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Keep a request."""
        self.requests.append(request)
        return httpx2.Response(200, request=request)


async def record(
    sdk: openai.AsyncOpenAI, recorder: Recorder, path: str, headers: Mapping[str, str | openai.Omit]
) -> Template:
    """The SDK's request for a JSON body. Nothing is sent, but for what the SDK needs to get a token.

    Args:
        sdk: a client whose transport is `recorder`.
        recorder: keeps the request.
        path: below the SDK's base address.
        headers: put over the SDK's own.
    """
    await sdk.post(path, cast_to=httpx2.Response, content=b"{}", options={"headers": dict(headers)})
    request = recorder.requests.pop()
    kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_MESSAGE}
    # httpx2 has quoted the address already; a second time would change it
    return Template(URL(str(request.url), encoded=True), kept)
