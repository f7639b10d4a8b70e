import asyncio

import pytest

from providers.rate_hints import RateHints
from providers.replies import Usage
from schemas.errors import (
    RejectedRequestError,
    TransientModelError,
)
from tests.support.chat_clients import BODY, KEY, call, make_client
from tests.support.chat_server import answering, chat_server, completion


@pytest.mark.parametrize(
    ("provider", "path", "query", "id_header"),
    [
        pytest.param("openai", "/v1/chat/completions", {}, "X-Client-Request-Id", id="openai"),
        pytest.param("azure_v1", "/openai/v1/chat/completions", {}, "x-ms-client-request-id", id="azure-v1"),
        pytest.param(
            "azure",
            "/openai/deployments/dep one/chat/completions",
            {"api-version": "2024-10-21"},
            "x-ms-client-request-id",
            id="azure-dated",
        ),
    ],
)
async def test_client_calls_the_chat_path_of_its_provider(provider, path, query, id_header):
    async with chat_server() as server:
        await call(make_client(server.url, provider))

    (got,) = server.received
    assert (got.path, got.query) == (path, query)
    assert got.headers[id_header] == "r1.0"
    assert got.headers["Content-Type"] == "application/json"
    assert got.body == BODY | {"model": "dep one"}


@pytest.mark.parametrize(
    ("provider", "auth", "api_key", "authorization"),
    [
        pytest.param("openai", "key", None, f"Bearer {KEY}", id="openai-key"),
        pytest.param("openai", "bearer", None, f"Bearer {KEY}", id="openai-bearer"),
        pytest.param("openai", "none", None, "Bearer none", id="openai-none"),
        pytest.param("azure_v1", "key", KEY, None, id="azure-v1-key"),
        pytest.param("azure_v1", "bearer", None, f"Bearer {KEY}", id="azure-v1-bearer"),
        pytest.param("azure", "key", KEY, None, id="azure-key"),
        pytest.param("azure", "bearer", None, f"Bearer {KEY}", id="azure-bearer"),
        pytest.param("azure", "none", "none", None, id="azure-none"),
    ],
)
async def test_client_shows_its_key_in_the_header_of_its_authentication(provider, auth, api_key, authorization):
    async with chat_server() as server:
        await call(make_client(server.url, provider, auth))

    (got,) = server.received
    assert (got.headers.get("api-key"), got.headers.get("Authorization")) == (api_key, authorization)


async def test_client_reads_text_usage_and_quota_headers():
    usage = {"prompt_tokens": 1200, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1024}}
    headers = {"x-ratelimit-remaining-requests": "79", "x-ratelimit-limit-tokens": "90000"}
    async with chat_server(answering(completion("2", usage=usage), headers=headers)) as server:
        reply = await call(make_client(server.url))

    assert (reply.outcome, reply.text, reply.served_model) == ("ok", "2", "gpt-4.1-mini-2025-04-14")
    assert reply.usage == Usage(1200, 1024, 3, 0)
    assert reply.limits == RateHints(remaining_requests=79, limit_tokens=90000)
    assert 0 < reply.latency_s < 5


async def test_client_leaves_the_callers_body_as_it_was():
    body = {"messages": [], "model": "gpt-4.1-mini"}
    async with chat_server() as server:
        client = make_client(server.url)
        await client.complete(body, call_id="r1.0", timeout_s=5)
        await client.close()

    assert body == {"messages": [], "model": "gpt-4.1-mini"}
    assert server.received[0].body["model"] == "dep one"


async def test_client_keeps_three_hundred_calls_in_flight():
    released = asyncio.Event()
    arrived = 0

    async def answer(request):
        nonlocal arrived
        arrived += 1
        if arrived == 300:
            released.set()
        await released.wait()
        return await answering()(request)

    async with chat_server(answer) as server:
        client = make_client(server.url)
        calls = [client.complete(BODY, call_id=f"r{n}.0", timeout_s=20) for n in range(300)]
        replies = await asyncio.gather(*calls)
        await client.close()

    assert [reply.text for reply in replies] == ["2"] * 300


@pytest.mark.parametrize(
    "value",
    [pytest.param("\ud800", id="lone-surrogate"), pytest.param(float("nan"), id="nan"), pytest.param({1}, id="set")],
)
async def test_client_rejects_what_json_cannot_hold(value):
    async with chat_server() as server:
        client = make_client(server.url)
        with pytest.raises(RejectedRequestError) as caught:
            await client.complete({"messages": value}, call_id="r1.0", timeout_s=5)
        await client.close()

    assert caught.value.code == "not_json"
    assert server.received == []


def test_client_refuses_a_second_event_loop():
    client = make_client("http://127.0.0.1:9")
    with pytest.raises(TransientModelError):
        asyncio.run(call(client))

    with pytest.raises(RuntimeError, match="event loop"):
        asyncio.run(call(client))
