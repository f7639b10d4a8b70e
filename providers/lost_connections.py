"""Connections that were never made or broke off: was the request on its way, and where to?"""

import ssl
from collections.abc import Iterator

import aiohttp
import httpx2

from schemas.errors import ModelError, TransientModelError

_NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
_NOT_SENT_HTTPX2 = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_REACH = "Is `base_url` right, is the service up, may this machine reach it?"


def of_connection(chain: list[BaseException]) -> ModelError:
    """Our error for a chain of exceptions, outermost first.

    Was the request on its way? aiohttp knows; httpx2's name for it does not.
    The bridge between them calls a connection that was dropped after sending a connect time-out
    (`ClientConnectionError` -> `ConnectTimeout`), so aiohttp's own exception decides wherever there is one.
    """
    root = type(chain[-1]).__name__
    by_aiohttp = [each for each in chain if isinstance(each, aiohttp.ClientError)]
    kinds = _NOT_SENT if by_aiohttp else _NOT_SENT_HTTPX2
    if any(isinstance(each, kinds) for each in chain):
        if any(isinstance(each, ssl.SSLError) for each in chain):
            what = f"No secure connection to the service{_place(chain)} ({root})."
            return TransientModelError(what, code="tls_failed")
        what = f"The service{_place(chain)} cannot be reached ({root})."
        return TransientModelError(what, code="unreachable", hint=_REACH)
    # a dropped connection carries httpx2's time-out, see above: with aiohttp only a true TimeoutError is one
    late = TimeoutError if by_aiohttp else (TimeoutError, httpx2.TimeoutException)
    if any(isinstance(each, late) for each in chain):
        return TransientModelError("No answer in time.", code="timeout", maybe_paid=True)
    what = f"The connection was lost before the answer was whole ({root})."
    return TransientModelError(what, code="connection_lost", maybe_paid=True)


def _place(chain: list[BaseException]) -> str:
    """` at HOST:PORT` as far as an exception tells; never a path, which may name an account."""
    for each in chain:
        if isinstance(each, aiohttp.ClientConnectorError):
            return f" at {each.host}:{each.port}"
        request = getattr(each, "_request", getattr(each, "request", None))
        if isinstance(request, httpx2.Request):
            return f" at {request.url.netloc.decode()}"
    return ""


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The error and its declared causes, outermost first.

    Not `__context__`: a call made while an earlier failure is being handled would inherit that one's cause.
    """
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__
