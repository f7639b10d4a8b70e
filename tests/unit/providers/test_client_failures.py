import asyncio
import json
import socket
import time

import pytest
from aiohttp import web

from providers.replies import UnreadableAnswerError
from schemas.errors import (
    ModelError,
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    TransientModelError,
    UnsupportedParameterError,
)
from tests.support.chat_clients import BODY, call, error_body, make_client
from tests.support.chat_server import answering, breaking_off, chat_server, completion, dropping, hanging

FAILURES = [
    pytest.param(401, error_body(code="invalid_api_key"), {}, ServiceRefusedError, "unauthorized", id="401"),
    pytest.param(401, {"error": {"code": "401"}}, {}, ServiceRefusedError, "unauthorized", id="401-azure"),
    pytest.param(403, error_body(), {}, ServiceRefusedError, "forbidden", id="403"),
    pytest.param(404, error_body(code="model_not_found"), {}, ServiceRefusedError, "model_not_found", id="404-model"),
    pytest.param(
        404, error_body(code="DeploymentNotFound"), {}, ServiceRefusedError, "deployment_not_found", id="404-deployment"
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
        place = f"127.0.0.1:{taken.getsockname()[1]}"

    assert (caught.value.code, caught.value.maybe_paid) == ("unreachable", False)
    assert f"The service at {place} cannot be reached" in caught.value.what
    assert "base_url" in caught.value.hint


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
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    async with chat_server(trickling) as server:
        started = time.perf_counter()
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url), timeout_s=0.3)

    assert caught.value.code == "timeout"
    assert time.perf_counter() - started < 20  # the trickle lasts 30 s


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
