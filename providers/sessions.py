"""Connections of one deployment: an aiohttp session that trusts and goes through what the SDK's own client would.

The session takes nothing else from the environment: aiohttp's `trust_env` would read `.netrc` and send its password
wherever a deployment has no Authorization header.
"""

from collections.abc import Mapping
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from yarl import URL

MAX_CONNECTIONS = 4096
"""As many as one process may have calls in flight."""

KEEP_ALIVE_S = 4.0
"""Idle connections are dropped before servers drop them (uvicorn after 5 s): a call on a connection that has just
been closed at the other end looks like one that may have been paid."""

CONNECT_S = 10.0
_CONNECT_SHARE: Final = 0.8
_LEAST_S: Final = 0.001


def open_session(url: URL, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """A session for calls to one address. To be opened in the event loop that uses it; opens no connection yet.

    Certificates are checked against `SSL_CERT_FILE`, `SSL_CERT_DIR`, else the system's store.

    Args:
        url: where all calls go; decides about the proxy.
        headers: sent with every call.
    """
    connector = aiohttp.TCPConnector(
        limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_S, ssl=httpx2.create_ssl_context(trust_env=True)
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        proxy=proxy_of(url),
        cookie_jar=aiohttp.DummyCookieJar(),
        raise_for_status=False,
        trust_env=False,
    )


def proxy_of(url: URL) -> URL | None:
    """The proxy that the environment names for an address; None for a direct connection.

    `HTTP_PROXY`, `HTTPS_PROXY`, else `ALL_PROXY`, but for the hosts in `NO_PROXY`. A proxy without scheme speaks http.
    """
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all")
    if not proxy or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    return URL(proxy if "://" in proxy else f"http://{proxy}")


def connect_timeout(left_s: float) -> aiohttp.ClientTimeout:
    """Patience with connecting, out of what is left of the time for a call.

    It ends first, because only then is it known that nothing was sent. The whole call is bounded by the caller.
    """
    # aiohttp takes 0 for "no limit"
    return aiohttp.ClientTimeout(total=None, connect=max(_LEAST_S, min(CONNECT_S, _CONNECT_SHARE * left_s)))
