import inspect
import ssl
from datetime import UTC, datetime
from itertools import pairwise

import aiohttp
import httpx2
import openai
import openai.lib.azure
import pytest
from aiohttp.client_reqrep import ConnectionKey

from providers.errors_map import translate
from schemas.errors import ServiceRefusedError, TransientModelError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REQUEST = httpx2.Request("POST", "http://h/v1/chat/completions")
HOST = ConnectionKey("h", 443, True, True, None, None, None)


def response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=REQUEST, json={"error": {"message": "m"}})


def status_error(kind: type[openai.APIStatusError], status: int) -> openai.APIStatusError:
    return kind("m", response=response(status), body=None)


# every exception that a chat call can raise, with the code it gets
REACHABLE = {
    openai.APIError: (openai.APIError("m", REQUEST, body=None), "client_failure"),
    openai.OpenAIError: (openai.OpenAIError("m"), "client_failure"),
    openai.APIConnectionError: (openai.APIConnectionError(request=REQUEST), "connection_lost"),
    openai.APITimeoutError: (openai.APITimeoutError(REQUEST), "connection_lost"),
    openai.APIResponseValidationError: (openai.APIResponseValidationError(response(200), None), "malformed_response"),
    openai.APIStatusError: (status_error(openai.APIStatusError, 418), "rejected"),
    openai.BadRequestError: (status_error(openai.BadRequestError, 400), "rejected"),
    openai.AuthenticationError: (status_error(openai.AuthenticationError, 401), "unauthorized"),
    openai.OAuthError: (openai.OAuthError(response=response(401), body=None), "unauthorized"),
    openai.PermissionDeniedError: (status_error(openai.PermissionDeniedError, 403), "forbidden"),
    openai.NotFoundError: (status_error(openai.NotFoundError, 404), "model_not_found"),
    openai.ConflictError: (status_error(openai.ConflictError, 409), "conflict"),
    openai.UnprocessableEntityError: (status_error(openai.UnprocessableEntityError, 422), "rejected"),
    openai.RateLimitError: (status_error(openai.RateLimitError, 429), "rate_limited"),
    openai.InternalServerError: (status_error(openai.InternalServerError, 500), "server_error"),
}

# exceptions of parts of the package that a chat call never enters
OUT_OF_REACH = {
    "LengthFinishReasonError": "typed parsing",
    "ContentFilterFinishReasonError": "typed parsing",
    "InvalidWebhookSignatureError": "webhooks",
    "SubjectTokenProviderError": "workload identity",
    "WebSocketConnectionClosedError": "realtime",
    "WebSocketQueueFullError": "realtime",
    "MutuallyExclusiveAuthError": "opening a client with two credentials; open_client gives one",
}


def exceptions_of_openai() -> dict[str, type[BaseException]]:
    modules = (openai, openai._exceptions, openai.lib.azure)
    return {
        name: member
        for module in modules
        for name, member in list(vars(module).items())
        if inspect.isclass(member)
        and issubclass(member, Exception)
        and member.__module__.startswith("openai")
        and not name.startswith("_")
    }


def test_every_exception_of_the_openai_package_is_mapped_or_out_of_reach():
    known = {kind.__name__ for kind in REACHABLE} | set(OUT_OF_REACH)

    assert set(exceptions_of_openai()) == known


@pytest.mark.parametrize(("error", "code"), [pytest.param(*case, id=kind.__name__) for kind, case in REACHABLE.items()])
def test_each_reachable_exception_gets_its_code(error, code):
    assert translate(error, now=NOW).code == code


def chained(*errors: Exception) -> Exception:
    """The last one, raised from the one before and so on."""
    for cause, error in pairwise(errors):
        error.__cause__ = cause
    return errors[-1]


def by_sdk(*errors: Exception) -> Exception:
    return chained(*errors, openai.APIConnectionError(request=REQUEST))


@pytest.mark.parametrize(
    ("error", "code", "maybe_paid"),
    [
        pytest.param(
            by_sdk(aiohttp.ClientConnectorError(HOST, OSError()), httpx2.ConnectError("")),
            "unreachable", False, id="refused",
        ),
        pytest.param(by_sdk(aiohttp.ConnectionTimeoutError(), httpx2.TimeoutException("")), "unreachable", False,
                     id="connecting-took-too-long"),
        pytest.param(by_sdk(aiohttp.ClientConnectorSSLError(HOST, ssl.SSLError("bad"))), "tls_failed", False, id="tls"),
        pytest.param(by_sdk(aiohttp.ServerDisconnectedError(), httpx2.ConnectTimeout("")), "connection_lost", True,
                     id="dropped-and-misnamed-by-the-bridge"),
        pytest.param(by_sdk(aiohttp.ClientConnectionResetError(), httpx2.ConnectTimeout("")), "connection_lost", True,
                     id="reset-and-misnamed-by-the-bridge"),
        pytest.param(by_sdk(aiohttp.ClientOSError(104, "reset"), httpx2.ConnectTimeout("")), "connection_lost", True,
                     id="reset"),
        pytest.param(by_sdk(aiohttp.ClientPayloadError(), httpx2.ReadError("")), "connection_lost", True, id="cut"),
        pytest.param(by_sdk(aiohttp.SocketTimeoutError(), httpx2.ReadTimeout("")), "timeout", True, id="read-timeout"),
        pytest.param(TimeoutError(), "timeout", True, id="our-own-timeout"),
        pytest.param(by_sdk(httpx2.ConnectError("")), "unreachable", False, id="httpx2-connect"),
        pytest.param(by_sdk(httpx2.ConnectTimeout("")), "unreachable", False, id="httpx2-connect-timeout"),
        pytest.param(by_sdk(httpx2.PoolTimeout("")), "unreachable", False, id="httpx2-pool-timeout"),
        pytest.param(by_sdk(httpx2.ReadTimeout("")), "timeout", True, id="httpx2-read-timeout"),
        pytest.param(by_sdk(httpx2.RemoteProtocolError("")), "connection_lost", True, id="httpx2-protocol"),
        pytest.param(aiohttp.ClientResponseError(None, ()), "connection_lost", True, id="aiohttp-unwrapped"),  # type: ignore[arg-type]
        pytest.param(ConnectionResetError(), "connection_lost", True, id="os-error"),
    ],
)  # fmt: skip
def test_a_lost_call_is_maybe_paid_only_when_it_may_have_been_sent(error, code, maybe_paid):
    ours = translate(error, now=NOW)

    assert isinstance(ours, TransientModelError)
    assert (ours.code, ours.maybe_paid) == (code, maybe_paid)


@pytest.mark.parametrize("kind", [httpx2.UnsupportedProtocol, httpx2.InvalidURL])
def test_an_address_that_cannot_be_used_refuses_all_requests(kind):
    ours = translate(chained(kind("htp://h"), openai.APIConnectionError(request=REQUEST)), now=NOW)

    assert isinstance(ours, ServiceRefusedError)
    assert ours.code == "bad_base_url"


def test_our_own_error_comes_back_as_it_is():
    ours = ServiceRefusedError("x", code="unauthorized")

    assert translate(ours, now=NOW) is ours
