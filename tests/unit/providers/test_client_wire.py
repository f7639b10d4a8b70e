"""The way of a chat call over aiohttp: what goes out, what peers do to it."""

import asyncio
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx2
import pytest
from aiohttp import web

from providers.clients import ChatClient, open_client
from providers.links import open_link
from providers.service import call_path
from schemas.errors import ModelError, TransientModelError
from schemas.models import Deployment, Model
from tests.support.chat_server import answering, chat_server, completion, dropping, hanging
from tests.support.until import until_async

KEY = "sk-test-0123456789abcdef"
BODY = {"messages": [{"role": "user", "content": "Question: größer?\n1. Ja"}], "temperature": 0}


def described(url: str, provider: str = "openai", **changes: Any) -> tuple[Model, Deployment]:
    deployment = Deployment(name="here", base_url=url, rpm=60, **({"api_key_env": "THE_KEY"} | changes))
    version = "2024-10-21" if provider == "azure" else None
    return Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=[deployment]), deployment


def make_client(url: str, provider: str = "openai", **changes: Any) -> ChatClient:
    return open_client(*described(url, provider, **changes), environ={"THE_KEY": KEY})


async def ask(client: ChatClient, timeout_s: float = 5.0) -> Any:
    return await client.complete(BODY, call_id="r1.0", timeout_s=timeout_s)


async def call(client: ChatClient, timeout_s: float = 5.0) -> Any:
    try:
        return await ask(client, timeout_s)
    finally:
        await client.close()


@asynccontextmanager
async def peer_saying(*pieces: bytes, pause_s: float = 0.0) -> AsyncIterator[str]:
    """A peer that reads a request's head, sends the pieces and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("provider", ["openai", "azure_v1", "azure"])
async def test_client_sends_the_headers_and_the_address_of_the_sdk(provider, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    of_one_message = {"content-length", "x-stainless-read-timeout"}
    async with chat_server() as server:
        model, deployment = described(server.url, provider)
        link = open_link(model, deployment, environ={"THE_KEY": KEY})
        options: Any = {"headers": link.headers}
        await link.sdk.post(call_path(model, deployment), cast_to=httpx2.Response, body=BODY, options=options)
        await link.close()
        await call(open_client(model, deployment, environ={"THE_KEY": KEY}))

    by_sdk, ours = server.received
    sent, expected = (
        {name.lower(): value for name, value in each.headers.items() if name.lower() not in of_one_message}
        for each in (ours, by_sdk)
    )
    assert sent.pop("x-ms-client-request-id" if provider != "openai" else "x-client-request-id") == "r1.0"
    for each in (sent, expected):
        each.pop("connection", None)
    assert sent == expected
    assert (ours.path, ours.query) == (by_sdk.path, by_sdk.query)


async def test_client_reuses_connections_for_calls_in_turn():
    peers = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        peers.add(request.transport.get_extra_info("peername"))
        return await answering()(request)

    async with chat_server(answer) as server:
        client = make_client(server.url)
        for _ in range(20):
            await ask(client)
        await client.close()

    assert len(peers) == 1


async def test_client_does_not_send_again_when_a_kept_connection_is_dropped():
    async with chat_server() as server:
        client = make_client(server.url)
        await ask(client)
        server.answer = dropping
        with pytest.raises(TransientModelError) as caught:
            await ask(client)
        server.answer = answering()
        reply = await ask(client)
        await client.close()

    assert (caught.value.code, caught.value.maybe_paid) == ("connection_lost", True)
    assert reply.text == "2"
    assert len(server.received) == 3


async def test_client_sends_no_cookie_back():
    async with chat_server(answering(headers={"Set-Cookie": "affinity=1"})) as server:
        client = make_client(server.url)
        await ask(client)
        await ask(client)
        await client.close()

    assert not any("Cookie" in got.headers for got in server.received)


async def test_client_reads_a_compressed_answer():
    packed = gzip.compress(json.dumps(completion("3")).encode())
    async with chat_server(answering(raw=packed, headers={"Content-Encoding": "gzip"})) as server:
        reply = await call(make_client(server.url))

    assert reply.text == "3"


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\x00\xff\x13garbage\r\n\r\n", id="garbage"),
    pytest.param(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", id="http2"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="continue-only"),
    pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status-word"),
    pytest.param(OK + b"no colon here\r\n\r\n{}", id="header-without-colon"),
    pytest.param(OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n{}", id="endless-header"),
    pytest.param(OK + b"Content-Length: -5\r\n\r\n{}", id="negative-length"),
    pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two-lengths"),
    pytest.param(OK + b"Content-Length: 50\r\n\r\n{}", id="cut-by-length"),
    pytest.param(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", id="chunk-size-word"),
    pytest.param(CHUNKED + b"ffffffffffffffffffff\r\n{}", id="chunk-size-huge"),
    pytest.param(CHUNKED + b"10\r\n{}", id="chunk-cut"),
    pytest.param(CHUNKED + b"2\r\n{}\r\n", id="last-chunk-missing"),
    pytest.param(OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", id="no-gzip"),
]


@pytest.mark.parametrize("raw", MALFORMED)
async def test_client_counts_an_answer_that_is_no_whole_http_as_lost_and_maybe_paid(raw):
    async with peer_saying(raw) as url:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(url))

    assert (caught.value.code, caught.value.maybe_paid) == ("connection_lost", True)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        pytest.param(b"HTTP/1.1 200 OK", "malformed_response", id="answer"),
        pytest.param(b"HTTP/1.1 400 Bad", "rejected", id="refusal"),
    ],
)
async def test_client_takes_a_bottomless_body_for_one_it_cannot_read(head, code):
    async with peer_saying(head + b"\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000) as url:
        with pytest.raises(ModelError) as caught:
            await call(make_client(url))

    assert caught.value.code == code


@pytest.mark.parametrize(
    "head",
    [pytest.param(OK, id="head"), pytest.param(CHUNKED + b"1f4\r\n", id="chunk")],
)
async def test_client_bounds_the_whole_call_when_a_part_of_the_answer_trickles(head):
    async with peer_saying(head, *([b"a"] * 1000), pause_s=0.03) as url:
        started = time.perf_counter()
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(url), timeout_s=0.3)

    assert (caught.value.code, caught.value.maybe_paid) == ("timeout", True)
    assert time.perf_counter() - started < 20  # the trickle lasts 30 s


async def test_client_calls_a_host_that_takes_no_connection_in_time_unreachable_and_unpaid():
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(f"http://127.0.0.1:{full.getsockname()[1]}"), timeout_s=1.5)
        for each in waiting:
            each.close()

    assert (caught.value.code, caught.value.maybe_paid) == ("unreachable", False)


async def test_client_loses_many_calls_at_once_without_losing_count():
    async with chat_server(dropping) as server:
        client = make_client(server.url)
        outcomes = await asyncio.gather(*(ask(client, 20) for _ in range(300)), return_exceptions=True)
        server.answer = answering()
        reply = await ask(client)
        await client.close()

    assert {type(each) for each in outcomes} == {TransientModelError}
    assert {(each.code, each.maybe_paid) for each in outcomes} == {("connection_lost", True)}
    assert reply.text == "2"
    assert len(server.received) == 301


async def test_client_gives_the_connection_up_when_its_caller_goes_away():
    released = asyncio.Event()
    async with chat_server(hanging(released)) as server:
        client = make_client(server.url)
        waiting = asyncio.create_task(ask(client))
        await until_async(lambda: server.received)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.answer = answering()
        reply = await ask(client)
        released.set()
        await client.close()

    assert reply.text == "2"


async def test_client_ends_open_calls_as_maybe_paid_and_takes_no_more_when_closed():
    async with chat_server(hanging(released := asyncio.Event())) as server:
        client = make_client(server.url)
        waiting = asyncio.create_task(ask(client))
        await until_async(lambda: server.received)
        await client.close()
        with pytest.raises(TransientModelError) as lost:
            await waiting
        with pytest.raises(TransientModelError) as refused:
            await ask(client)
        await client.close()
        released.set()

    assert (lost.value.code, lost.value.maybe_paid) == ("connection_lost", True)
    assert (refused.value.code, refused.value.maybe_paid) == ("unreachable", False)
