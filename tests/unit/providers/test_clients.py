import asyncio
import json
import socket
import time
from typing import Any

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from providers.clients import ChatClient, open_client
from providers.rate_hints import RateHints
from providers.replies import UnreadableAnswerError, Usage
from schemas.errors import (
    ModelError,
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    SettingsError,
    TransientModelError,
    UnsupportedParameterError,
)
from schemas.models import Deployment, Model
from tests.support.chat_server import answering, breaking_off, chat_server, completion, dropping, hanging

KEY = "sk-test-0123456789abcdef"
BODY = {"messages": [{"role": "user", "content": "Question: größer?\n1. Ja"}], "temperature": 0}


def make_client(url: str, provider: str = "openai", auth: str = "key", **changes: Any) -> ChatClient:
    deployment = Deployment(
        name="here", base_url=url, deployment="dep one", api_key_env="THE_KEY", auth=auth, rpm=60, **changes
    )
    version = "2024-10-21" if provider == "azure" else None
    model = Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=[deployment])
    return open_client(model, deployment, environ={"THE_KEY": KEY})


async def call(client: ChatClient, timeout_s: float = 5.0) -> Any:
    try:
        return await client.complete(dict(BODY), call_id="r1.0", timeout_s=timeout_s)
    finally:
        await client.close()


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


class Credential:
    """Stands for azure-identity's: counts calls, fails if told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.scopes: list[str] = []
        self.closed = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        if self.error is not None:
            raise self.error
        return AccessToken("entra-token", int(time.time()) + 3600)

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def entra_client(url: str, provider: str, credential: Credential) -> ChatClient:
    deployment = Deployment(name="here", base_url=url, auth="entra", scope="https://ai.example/.default", rpm=60)
    version = "2024-10-21" if provider == "azure" else None
    model = Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=[deployment])
    return open_client(model, deployment, environ={}, credential=credential)


@pytest.mark.parametrize("provider", ["azure_v1", "azure"])
async def test_client_asks_entra_for_the_scope_and_sends_its_token(provider):
    credential = Credential()
    async with chat_server() as server:
        client = entra_client(server.url, provider, credential)
        await client.complete(BODY, call_id="r1.0", timeout_s=5)
        await client.complete(BODY, call_id="r2.0", timeout_s=5)
        await client.close()

    assert {got.headers["Authorization"] for got in server.received} == {"Bearer entra-token"}
    assert not any("api-key" in got.headers for got in server.received)
    assert credential.scopes == ["https://ai.example/.default"]
    assert credential.closed == 1


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        pytest.param(ClientAuthenticationError("tried a, b, c"), ServiceRefusedError, "unauthorized", id="refused"),
        pytest.param(ServiceRequestError("no route"), TransientModelError, "unreachable", id="unreachable"),
    ],
)
async def test_client_tells_a_refused_identity_from_an_unreachable_identity_service(failure, kind, code):
    async with chat_server() as server:
        with pytest.raises(kind) as caught:
            await call(entra_client(server.url, "azure_v1", Credential(failure)))

    assert caught.value.code == code
    assert not getattr(caught.value, "maybe_paid", False)
    assert server.received == []


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


def error_body(**members: Any) -> dict[str, Any]:
    return {"error": {"message": "m", "type": None, "param": None, "code": None} | members}


FAILURES = [
    pytest.param(401, error_body(code="invalid_api_key"), {}, ServiceRefusedError, "unauthorized", id="401"),
    pytest.param(401, {"error": {"code": "401"}}, {}, ServiceRefusedError, "unauthorized", id="401-azure"),
    pytest.param(403, error_body(), {}, ServiceRefusedError, "forbidden", id="403"),
    pytest.param(404, error_body(code="model_not_found"), {}, ServiceRefusedError, "model_not_found", id="404-model"),
    pytest.param(
        404, error_body(code="DeploymentNotFound"), {}, ServiceRefusedError, "model_not_found", id="404-deployment"
    ),
    pytest.param(404, "not json", {}, ServiceRefusedError, "model_not_found", id="404-any"),
    pytest.param(410, error_body(), {}, ServiceRefusedError, "model_not_found", id="410"),
    pytest.param(
        429, error_body(code="insufficient_quota"), {}, ServiceRefusedError, "insufficient_quota", id="429-no-credit"
    ),
    pytest.param(
        429, error_body(type="insufficient_quota"), {}, ServiceRefusedError, "insufficient_quota", id="429-by-type"
    ),
    pytest.param(
        429, error_body(code="rate_limit_exceeded"), {"retry-after": "2"}, RateLimitedError, "rate_limited", id="429"
    ),
    pytest.param(429, {"error": {"code": 429}}, {}, RateLimitedError, "rate_limited", id="429-number-code"),
    pytest.param(429, "busy", {}, RateLimitedError, "rate_limited", id="429-no-body"),
    pytest.param(
        429, error_body(message="Request too large for m"), {}, OversizedRequestError, "oversized", id="429-too-large"
    ),
    pytest.param(429, error_body(), {"retry-after": "86400"}, OversizedRequestError, "oversized", id="429-a-day"),
    pytest.param(
        429,
        error_body(message="Please retry after 86400 seconds."),
        {},
        OversizedRequestError,
        "oversized",
        id="429-a-day-in-words",
    ),
    pytest.param(408, error_body(), {}, TransientModelError, "service_timeout", id="408"),
    pytest.param(409, error_body(), {}, TransientModelError, "conflict", id="409"),
    pytest.param(500, error_body(), {}, TransientModelError, "server_error", id="500"),
    pytest.param(503, "<html>down</html>", {}, TransientModelError, "server_error", id="503-html"),
    pytest.param(504, error_body(), {}, TransientModelError, "service_timeout", id="504"),
    pytest.param(
        400,
        error_body(code="unsupported_parameter", param="max_tokens"),
        {},
        UnsupportedParameterError,
        "unsupported_parameter",
        id="400-parameter",
    ),
    pytest.param(
        400, error_body(code="unsupported_value"), {}, RejectedRequestError, "unsupported_value", id="400-value"
    ),
    pytest.param(
        400,
        error_body(code="context_length_exceeded"),
        {},
        OversizedRequestError,
        "context_length_exceeded",
        id="400-too-long",
    ),
    pytest.param(
        400,
        error_body(code="OperationNotSupported"),
        {},
        ServiceRefusedError,
        "operation_not_supported",
        id="400-operation",
    ),
    pytest.param(422, {"detail": "no"}, {}, RejectedRequestError, "rejected", id="422"),
    pytest.param(400, [], {}, RejectedRequestError, "rejected", id="400-list"),
    pytest.param(413, "", {}, OversizedRequestError, "oversized", id="413"),
    pytest.param(307, "", {"Location": "http://127.0.0.1:9/"}, ServiceRefusedError, "redirected", id="307"),
]


@pytest.mark.parametrize(("status", "body", "headers", "kind", "code"), FAILURES)
async def test_client_translates_each_refusal(status, body, headers, kind, code):
    async with chat_server(answering(body, status=status, headers=headers)) as server:
        with pytest.raises(ModelError) as caught:
            await call(make_client(server.url))

    assert (type(caught.value), caught.value.code, caught.value.http_status) == (kind, code, status)
    assert len(server.received) == 1


@pytest.mark.parametrize(("status", "maybe_paid"), [(408, True), (409, False), (500, False), (502, False), (504, True)])
async def test_client_counts_a_service_failure_as_paid_only_if_a_gateway_gave_up(status, maybe_paid):
    async with chat_server(answering(error_body(), status=status)) as server:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url))

    assert caught.value.maybe_paid is maybe_paid


async def test_client_hands_on_how_long_to_wait():
    answer = answering(error_body(), status=429, headers={"retry-after-ms": "1500", "retry-after": "60"})
    async with chat_server(answer) as server:
        with pytest.raises(RateLimitedError) as caught:
            await call(make_client(server.url))

    assert caught.value.retry_after_s == 1.5


FILTER_RESULT = {"violence": {"filtered": True, "severity": "medium"}, "hate": {"filtered": False}}


@pytest.mark.parametrize(
    ("error", "which"),
    [
        pytest.param({"code": "content_filter"}, "", id="code-only"),
        pytest.param(
            {"code": "content_filter", "innererror": {"content_filter_result": FILTER_RESULT}},
            ": violence (medium)",
            id="wire",
        ),
        pytest.param(
            {"code": "content_filter", "inner_error": {"content_filter_results": FILTER_RESULT}},
            ": violence (medium)",
            id="spec",
        ),
        pytest.param({"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}, "", id="inner-code-only"),
    ],
)
async def test_client_returns_a_blocked_prompt_as_filtered(error, which):
    async with chat_server(answering({"error": {"message": "blocked"} | error}, status=400)) as server:
        reply = await call(make_client(server.url, "azure"))

    assert (reply.outcome, reply.error_code, reply.text, reply.usage) == ("filtered", "content_filter", None, None)
    assert reply.error_message == f"The service's content filter refused the prompt{which}."


async def test_client_returns_azures_output_limit_as_truncated():
    message = "Could not finish the message because max_tokens or model output limit reached."
    async with chat_server(answering(error_body(message=message), status=400)) as server:
        reply = await call(make_client(server.url, "azure_v1"))

    assert (reply.outcome, reply.error_code, reply.text) == ("truncated", "length", None)


async def test_client_calls_a_closed_port_unreachable_and_unpaid():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(f"http://127.0.0.1:{taken.getsockname()[1]}"))

    assert (caught.value.code, caught.value.maybe_paid) == ("unreachable", False)


@pytest.mark.parametrize(
    "answer", [pytest.param(dropping, id="before-the-answer"), pytest.param(breaking_off, id="within-the-answer")]
)
async def test_client_counts_a_connection_dropped_after_sending_as_maybe_paid(answer):
    async with chat_server(answer) as server:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url))

    assert (caught.value.code, caught.value.maybe_paid) == ("connection_lost", True)
    assert len(server.received) == 1


async def test_client_counts_silence_after_sending_as_maybe_paid():
    released = asyncio.Event()
    async with chat_server(hanging(released)) as server:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url), timeout_s=0.2)
        released.set()

    assert (caught.value.code, caught.value.maybe_paid) == ("timeout", True)


async def test_client_bounds_the_whole_call_when_an_answer_trickles():
    async def trickling(request):
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with chat_server(trickling) as server:
        started = time.perf_counter()
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url), timeout_s=0.3)

    assert caught.value.code == "timeout"
    assert time.perf_counter() - started < 4  # the trickle lasts 5 s


async def test_client_does_not_mix_up_a_failure_with_the_one_being_handled():
    async with chat_server(dropping) as server:
        client = make_client(server.url)
        try:
            raise ConnectionRefusedError
        except ConnectionRefusedError:
            with pytest.raises(TransientModelError) as caught:
                await client.complete(BODY, call_id="r1.0", timeout_s=5)
        await client.close()

    assert caught.value.maybe_paid


async def test_client_calls_something_that_does_not_speak_http_a_lost_connection():
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello, this is not http\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))

    assert caught.value.maybe_paid


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"<html>", "malformed_response", id="not-json"),
        pytest.param(b"[]", "malformed_response", id="not-an-object"),
        pytest.param(b'{"error": {"message": "in a 200"}}', "malformed_response", id="error-in-200"),
        pytest.param(json.dumps(completion("")).encode(), "empty_content", id="empty-content"),
    ],
)
async def test_client_counts_an_unreadable_200_as_paid(raw, code):
    async with chat_server(answering(raw=raw)) as server:
        with pytest.raises(UnreadableAnswerError) as caught:
            await call(make_client(server.url))

    assert (caught.value.code, caught.value.maybe_paid) == (code, True)


async def test_client_shows_no_key_in_repr_or_message():
    long = "x" * 400
    message = f"Incorrect API key provided: {KEY}, Bearer {KEY}, {'ab' * 20}. {long}"
    async with chat_server(answering(error_body(message=message), status=401)) as server:
        client = make_client(server.url)
        with pytest.raises(ServiceRefusedError) as caught:
            await call(client)

    shown = str(caught.value) + repr(caught.value) + repr(client) + repr(vars(client)["_secret"])
    assert KEY not in shown
    assert "ab" * 20 not in shown
    assert len(caught.value.what) < 340
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        pytest.param({}, "key_missing", id="not-set"),
        pytest.param({"THE_KEY": " "}, "key_missing", id="blank"),
        pytest.param({"THE_KEY": "sk-one two"}, "key_broken", id="two-words"),
        pytest.param({"THE_KEY": "sk-ключ"}, "key_broken", id="not-ascii"),
    ],
)
def test_open_client_names_the_variable_when_the_key_cannot_be_used(environ, code):
    deployment = Deployment(name="east", base_url="https://h", api_key_env="THE_KEY", rpm=60)
    model = Model(provider="openai", model="m", deployments=[deployment])

    with pytest.raises(SettingsError, match="THE_KEY") as caught:
        open_client(model, deployment, environ=environ)

    assert caught.value.code == code
    assert "sk-" not in str(caught.value)


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
