"""Every failure of a call becomes ours here and nowhere else: openai, httpx2 and aiohttp exceptions, refusing bodies.

Which failures may have been billed: docs/design/providers.md.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import aiohttp
import httpx2
import openai

from providers.error_bodies import ServiceError, read_service_error, shown, shown_code, shown_of_file
from providers.lost_connections import chain_of, of_connection
from providers.rate_hints import RateHints, exhausted_s, rate_hints, retry_after_s
from providers.replies import Reply
from schemas.errors import (
    ModelError,
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    TransientModelError,
    UnsupportedParameterError,
)

EXPECTED = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, TimeoutError, OSError)
"""What a call may raise; anything else is a mistake of ours and passes through."""

A_DAY_S = 86_400.0
"""Azure's way of saying that the request is larger than a whole minute's quota."""

_ABOUT_CONTENT = (400, 413, 422)
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
DEPLOYMENT_NOT_FOUND = "deployment_not_found"
"""Code of Azure's 404 for a name it does not know; for minutes also for one that has just been deployed."""

_NO_DEPLOYMENT = {"deploymentnotfound"}
_NO_MODEL = {"model_not_found", "modelnotfound", "model_deprecated", "deploymentmodelnotfound"}
_BAD_KEY = {"invalid_api_key", "account_deactivated"}
_NO_OPERATION = {"operationnotsupported"}
_TOO_LONG = {"context_length_exceeded", "string_above_max_length"}
_FILTERED = {"content_filter", "responsibleaipolicyviolation", "content_policy_violation"}
_OUTPUT_LIMIT = "max_tokens or model output limit reached"
_TOO_LARGE = "request too large"

_UNSUPPORTED = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_OTHER_ENDPOINT = re.compile(r"use v1/(chat/)?completions", re.IGNORECASE)
_OTHER_FAMILY = "Say in the models file what it is: `family: completion` for prompts, else `chat`; or choose another."
_UNRECOGNIZED = re.compile(r"Unrecognized request arguments? supplied: (\w+)")
_INSTEAD = re.compile(r"Use '(\w+)' instead")

_MAYBE_GENERATED = {408, 504, 524}
"""Statuses by which a gateway gives up waiting: the service behind it may have gone on and billed the answer."""

_BAD_ADDRESS = (httpx2.UnsupportedProtocol, httpx2.InvalidURL, aiohttp.InvalidURL)


def reply_in(said: ServiceError, *, latency_s: float, limits: RateHints) -> Reply | None:
    """The answer inside a refusal, None if there is none.

    A blocked prompt is an outcome (`filtered`), not a failure: asking again gives the same. So is the 400 by which
    Azure says that the output limit was reached (`truncated`).
    """
    if _is_filtered(said):
        which = f": {', '.join(said.filtered)}" if said.filtered else ""
        sentence = f"The service's content filter refused the prompt{which}."
        return Reply(
            outcome="filtered",
            latency_s=latency_s,
            limits=limits,
            error_code="content_filter",
            error_message=shown(sentence),
        )
    if said.status == 400 and _OUTPUT_LIMIT in said.message.lower():
        sentence = "The token limit was reached before an answer began."
        return Reply(
            outcome="truncated", latency_s=latency_s, limits=limits, error_code="length", error_message=sentence
        )
    return None


def translate(error: Exception, *, now: datetime, secrets: Iterable[str] = ()) -> ModelError:
    """Our error for what a call raised.

    Args:
        error: one of EXPECTED, or a ModelError, which comes back as it is.
        now: the present, aware; for hints that name a date.
        secrets: keys in use, kept out of the message.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, openai.APIStatusError):
        said = read_service_error(error.status_code, error.response.content)
        return refusal(said, error.response.headers, now=now, secrets=secrets)
    chain = list(chain_of(error))
    if any(isinstance(each, _BAD_ADDRESS) for each in chain):
        return ServiceRefusedError("The address of the service cannot be used.", code="bad_base_url")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError | aiohttp.ClientError | OSError):
        return of_connection(chain)
    if isinstance(error, openai.APIResponseValidationError):
        what = "The answer is no chat completion."
        return TransientModelError(what, code="malformed_response", http_status=error.status_code, maybe_paid=True)
    what = f"The client library failed ({type(error).__name__})."
    return TransientModelError(what, code="client_failure", maybe_paid=True)


def refusal(
    said: ServiceError,
    headers: Mapping[str, str],
    *,
    now: datetime,
    secrets: Iterable[str] = (),
    sent: str | None = None,
) -> ModelError:
    """Our error for a response that is no answer.

    Args:
        said: its status and error object.
        headers: of the response; look-ups must not mind case.
        now: the present, aware; for hints that name a date.
        secrets: keys in use, kept out of the message.
        sent: texts of the request, kept out likewise; None: not at hand.
    """
    hint_s = None
    if said.status == 503:
        hint_s = retry_after_s(headers, "", now=now)
    elif said.status == 429:
        hint_s = retry_after_s(headers, said.message, now=now)
        hint_s = exhausted_s(rate_hints(headers)) if hint_s is None else hint_s
    return model_error(said, hint_s=hint_s, secrets=secrets, sent=sent)


def model_error(
    said: ServiceError, *, hint_s: float | None = None, secrets: Iterable[str] = (), sent: str | None = None
) -> ModelError:
    """Our error for an error object.

    Args:
        said: status and error object.
        hint_s: how long to wait, for a 429 or 503.
        secrets: keys in use, kept out of the message.
        sent: texts of the request, kept out likewise; None: not at hand.
    """
    is_about_a_file = sent is None and said.status in _ABOUT_CONTENT
    message = shown_of_file(said.message, secrets) if is_about_a_file else shown(said.message, secrets, sent=sent)
    named = _by_code(said, message)
    if named is not None:
        return named
    return _from_429(said, message, hint_s) if said.status == 429 else _by_status(said, message, hint_s)


def _by_code(said: ServiceError, message: str) -> ModelError | None:
    """Codes that mean the same whatever the status."""
    names = {said.code.lower(), said.kind.lower(), said.inner_code.lower()}
    for known, code, what, hint in (
        (_NO_CREDIT, "insufficient_quota", "No credit", "Add credit or raise the billing limit, then resume."),
        (_NO_DEPLOYMENT, DEPLOYMENT_NOT_FOUND, "Model or deployment not found", "Check `model` and `deployment`."),
        (_NO_MODEL, "model_not_found", "Model or deployment not found", "Check `model` and `deployment`."),
        (_BAD_KEY, "unauthorized", "Key refused", "Check the key's environment variable."),
        (_NO_OPERATION, "operation_not_supported", "The model does not take such requests", _OTHER_FAMILY),
    ):
        if names & known:
            return ServiceRefusedError(_sentence(what, message), code=code, http_status=said.status, hint=hint)
    if said.status == 404 and _OTHER_ENDPOINT.search(said.message):
        what = _sentence("The model does not take such requests", message)
        return ServiceRefusedError(what, code="operation_not_supported", http_status=404, hint=_OTHER_FAMILY)
    if names & _TOO_LONG:
        what = _sentence("Prompt too long for the model", message)
        return OversizedRequestError(what, code="context_length_exceeded", http_status=said.status)
    return None


def _from_429(said: ServiceError, message: str, hint_s: float | None) -> ModelError:
    if _TOO_LARGE in said.message.lower() or (hint_s is not None and hint_s >= A_DAY_S):
        hint = "Lower `max_completion_tokens` or raise the tokens a minute of the deployment."
        what = _sentence("Request larger than the quota of a minute", message)
        error = OversizedRequestError(what, http_status=429, hint=hint)
        error.retry_after_s = None if _TOO_LARGE in said.message.lower() else hint_s
        return error
    return RateLimitedError(_sentence("Rate limit", message), retry_after_s=hint_s)


def _by_status(said: ServiceError, message: str, hint_s: float | None) -> ModelError:
    status = said.status
    refused = _REFUSED.get(status)
    if refused is not None:
        code, what, hint = refused
        return ServiceRefusedError(_sentence(what, message), code=code, http_status=status, hint=hint)
    if status in {408, 409, 425} or status >= 500:
        what = _sentence(f"The service failed with status {status}", message)
        code = "conflict" if status == 409 else "service_timeout" if status in _MAYBE_GENERATED else "server_error"
        paid = status in _MAYBE_GENERATED
        return TransientModelError(what, code=code, http_status=status, maybe_paid=paid, retry_after_s=hint_s)
    if status == 413:
        return OversizedRequestError(_sentence("Request body too large", message), http_status=status)
    parameter = _unsupported(said)
    if parameter:
        instead = _INSTEAD.search(said.message)
        return UnsupportedParameterError(
            _rejection(said, message), parameter=parameter, instead=None if instead is None else instead[1],
            code=_rejection_code(said), http_status=status,
        )  # fmt: skip
    return RejectedRequestError(_rejection(said, message), code=_rejection_code(said), http_status=status)


_REFUSED: dict[int, tuple[str, str, str]] = {
    301: ("redirected", "The address redirects", "Write the final address into `base_url`."),
    302: ("redirected", "The address redirects", "Write the final address into `base_url`."),
    307: ("redirected", "The address redirects", "Write the final address into `base_url`."),
    308: ("redirected", "The address redirects", "Write the final address into `base_url`."),
    401: ("unauthorized", "Key refused", "Check the key's environment variable and `base_url`."),
    402: ("insufficient_quota", "No credit", "Add credit, then resume."),
    403: ("forbidden", "No permission", "Check the key's rights, its project and the network rules."),
    404: ("model_not_found", "Model or deployment not found", "Check `base_url`, `deployment` and `api_version`."),
    405: ("model_not_found", "No chat completions at this address", "Check `base_url`."),
    410: ("model_not_found", "Model retired", "Choose another model."),
}


def _unsupported(said: ServiceError) -> str:
    """Name of the parameter that the model refuses; "" if the refusal is about something else."""
    if said.status not in {400, 422}:
        return ""
    if said.code.lower() in _UNSUPPORTED and said.param.isidentifier():
        return said.param
    old = _UNRECOGNIZED.search(said.message)
    return "" if old is None else old[1]


def _rejection(said: ServiceError, message: str) -> str:
    param = shown_code(said.param)
    about = f" (`{param}`)" if param else ""
    return _sentence(f"The service rejects the request{about}", message)


def _rejection_code(said: ServiceError) -> str:
    return shown_code(said.code) or "rejected"


def _is_filtered(said: ServiceError) -> bool:
    if said.status not in {400, 403, 422}:
        return False
    return bool({said.code.lower(), said.inner_code.lower()} & _FILTERED) or bool(said.filtered)


def _sentence(what: str, message: str) -> str:
    return f"{what}: {message}" if message else f"{what}."
