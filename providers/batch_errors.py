"""Failures of calls about files and batches: those of single calls, but for what means something else here."""

from collections.abc import Iterable
from datetime import UTC, datetime

import openai

from providers import errors_map
from providers.batch_objects import TOKEN_LIMIT
from providers.error_bodies import read_service_error, shown_of_file
from schemas.errors import ModelError, RejectedRequestError, ServiceRefusedError, TransientModelError

_SURE = frozenset({"unreachable", "tls_failed", "rate_limited", TOKEN_LIMIT})
"""Codes that say for certain that nothing was accepted."""


def translate(error: Exception, *, makes_something: bool, secrets: Iterable[str]) -> ModelError:
    """Our error for what a call raised.

    Args:
        error: one of `errors_map.EXPECTED`.
        makes_something: the call uploads or creates: then `maybe_paid` says that it may have been accepted. After any
            5xx that is open; a failed look never costs anything.
        secrets: keys in use, kept out of the message.
    """
    known = errors_map.translate(error, now=datetime.now(UTC), secrets=secrets)
    if isinstance(error, openai.APIStatusError):
        known = _of_status(error, known, secrets)
    if isinstance(known, TransientModelError):
        known.maybe_paid = makes_something and known.code not in _SURE
    return known


def _of_status(error: openai.APIStatusError, known: ModelError, secrets: Iterable[str]) -> ModelError:
    said = read_service_error(error.status_code, error.response.content)
    if TOKEN_LIMIT in said.code or TOKEN_LIMIT in said.message:
        what = f"Too many tokens are queued: {shown_of_file(said.message, secrets)}"
        return TransientModelError(what, code=TOKEN_LIMIT, http_status=error.status_code)
    names_model = "model" in said.code.lower() or "deployment" in said.code.lower()
    if error.status_code == 404 and isinstance(known, ServiceRefusedError) and not names_model:
        what = "The service knows no such file, batch or job at this address."
        hint = "Deleted, expired, or made with a key of another project; else check `base_url` and `api_version`."
        return RejectedRequestError(what, code="not_found", http_status=404, hint=hint)
    return known
