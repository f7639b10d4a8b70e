"""Telling somebody else of a morning: one POST of JSON, to an address that only https or this machine can be."""

import logging
import urllib.error
import urllib.request
from http.client import HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from schemas.errors import SettingsError

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
TRIES = 3
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead a summary out of https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def checked_webhook(url: str) -> str:
    """The address itself.

    Raises:
        SettingsError: it is neither https nor on this machine; the address is not shown, it may hold a secret.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url
    raise SettingsError("the address is neither https nor on this machine.", where="NIGHTPOLL_WEBHOOK_URL")


def post(url: str, body: bytes) -> bool:
    """Whether the other side took it; a failure is logged and is nobody's end."""
    opener = urllib.request.build_opener(_NoRedirect)
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        checked_webhook(url), data=body, method="POST", headers={"Content-Type": "application/json"}
    )
    for attempt in range(TRIES):
        try:
            with opener.open(request, timeout=TIMEOUT_S) as response:
                return 200 <= int(response.status) < 300
        except (urllib.error.URLError, OSError, ValueError) as error:
            extra = {"event": "webhook_failed", "attempt": attempt + 1, "reason": type(error).__name__}
            log.warning("webhook not delivered", extra=extra)
    return False
