"""A chat service for client tests: a real HTTP server on a free port that records requests and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class ChatServer:
    """Running server. Replace `answer` to change what the next calls get."""

    url: str
    answer: Answer
    received: list[Received] = field(default_factory=list)


def completion(content: str | None = "2", **changes: Any) -> dict[str, Any]:
    """Body of a chat completion; `message`, `choice` and top-level members can be put over it."""
    message = {"role": "assistant", "content": content} | changes.pop("message", {})
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None} | changes.pop("choice", {})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4.1-mini-2025-04-14",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        "usage": {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21},
    } | changes


def answering(
    body: object = None, *, status: int = 200, headers: Mapping[str, str] | None = None, raw: bytes | None = None
) -> Answer:
    """Answers every call with this body."""
    content = raw if raw is not None else json.dumps(completion() if body is None else body).encode()

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=headers, content_type="application/json")

    return answer


def hanging(released: asyncio.Event) -> Answer:
    """Takes the request and says nothing until released."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=200)

    return answer


async def dropping(request: web.Request) -> web.StreamResponse:
    """Takes the whole request, then cuts the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Sends the head and half the body, then cuts the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"choices": [')
    assert request.transport is not None
    request.transport.abort()
    return response


@asynccontextmanager
async def chat_server(answer: Answer | None = None) -> AsyncIterator[ChatServer]:
    """A server on a free local port; gone with all its connections at the end."""
    server = ChatServer("", answer if answer is not None else answering())

    async def handle(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        server.received.append(Received(request.path, dict(request.query), request.headers.copy(), body))
        return await server.answer(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
