"""What the services say when they turn a request away, word for word where it is known.

Source: OpenAI, guide "Error codes"; Microsoft Learn, "Manage Azure OpenAI quota" and "Content filtering"; bodies
quoted in public issue threads (all read 2026-11-22). The texts change, codes and types hardly do; clients should
read the latter only. Not confirmed by a source: the texts of 401 and 500, "invalid_parameter_combination".
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from emulator.config import EmulatorConfig
from emulator.quota import Refused

DAY_S = 86_400


class Refusal(Exception):  # noqa: N818 - a turned-away request is an outcome, not a failure of ours
    """A request turned away.

    Attributes:
        status: HTTP status.
        error: the object under "error".
        wait_s: hint for the headers; None: no hint.
        name: on the wire, of the deployment whose quota refused; else None.
    """

    def __init__(
        self,
        status: int,
        error: Mapping[str, Any],
        wait_s: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.error = error
        self.wait_s = wait_s
        self.name = name


def invalid(message: str, *, param: str | None, code: str | None) -> Refusal:
    """400: the request is wrong and will stay wrong."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refusal(400, error)


def wrong_operation(config: EmulatorConfig, model: str, form: str) -> Refusal:
    """404, on Azure 400: a chat model was asked for a completion, or the other way round."""
    if config.is_azure:
        operation = "completion" if form == "completion" else "chatCompletion"
        text = (
            f"The {operation} operation does not work with the specified model, {model}. Please choose different model."
        )
        return Refusal(400, {"code": "OperationNotSupported", "message": text})
    if form == "completion":
        text = (
            "This is a chat model and not supported in the v1/completions endpoint. "
            "Did you mean to use v1/chat/completions?"
        )
    else:
        text = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        )
    return Refusal(404, {"message": text, "type": "invalid_request_error", "param": "model", "code": None})


def unauthorized(config: EmulatorConfig, *, bearer: bool, given: bool) -> Refusal:
    """401: no key, a wrong one or a revoked one. The key is never repeated."""
    if config.profile == "openai":
        text = (
            "Incorrect API key provided: ********. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
            if given
            else "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        code = "invalid_api_key" if given else None
        return Refusal(401, {"message": text, "type": "invalid_request_error", "param": None, "code": code})
    text = (
        "Unauthorized. Access token is missing, invalid, audience is incorrect "
        "(https://cognitiveservices.azure.com), or have expired."
        if bearer
        else "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid "
        "key for an active subscription and use a correct regional API endpoint for your resource."
    )
    return Refusal(401, {"code": "401", "message": text})


def unknown_model(config: EmulatorConfig, name: str) -> Refusal:
    """404: the name on the wire serves nothing."""
    if config.is_azure:
        text = (
            "The API deployment for this resource does not exist. If you created the deployment within the "
            "last 5 minutes, please wait a moment and try again."
        )
        return Refusal(404, {"code": "DeploymentNotFound", "message": text})
    text = f"The model `{name}` does not exist or you do not have access to it."
    error = {"message": text, "type": "invalid_request_error", "param": None, "code": "model_not_found"}
    return Refusal(404, error)


def unknown_path(config: EmulatorConfig, method: str, path: str) -> Refusal:
    """404: no such address, or a dated version that does not exist."""
    if config.is_azure:
        return Refusal(404, {"code": "404", "message": "Resource not found"})
    text = f"Invalid URL ({method} {path})"
    return Refusal(404, {"message": text, "type": "invalid_request_error", "param": None, "code": None})


def rate_limited(config: EmulatorConfig, name: str, model: str, refused: Refused) -> Refusal:
    """429: a quota is used up, or smaller than the request."""
    if config.is_azure:
        wait_s = float(DAY_S) if refused.oversized else refused.wait_s
        what = "token" if refused.kind == "tokens" else "call"
        text = (
            f"Your requests to {name} for {model} in North Central US have exceeded the {what} rate limit of "
            f"your current pricing tier. Please retry after {max(1, ceil(wait_s))} seconds."
        )
        return Refusal(429, {"code": "429", "message": text}, wait_s, name)
    unit = "tokens per min (TPM)" if refused.kind == "tokens" else "requests per min (RPM)"
    place = f"for {model} in organization org-emulator on {unit}: Limit {refused.limit}"
    if refused.oversized:
        text = (
            f"Request too large {place}, Requested {refused.requested}. "
            "The input or output tokens must be reduced in order to run successfully."
        )
        return Refusal(429, _limit_error(text, refused.kind), None, name)
    text = (
        f"Rate limit reached {place}, Used {refused.used}, Requested {refused.requested}. "
        f"Please try again in {duration(refused.wait_s)}."
    )
    return Refusal(429, _limit_error(text, refused.kind), refused.wait_s, name)


def insufficient_quota() -> Refusal:
    """429: no credit; waiting will not help."""
    text = "You exceeded your current quota, please check your plan and billing details."
    error = {"message": text, "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    return Refusal(429, error)


def server_error(config: EmulatorConfig, status: int) -> Refusal:
    """500 or 503: something is wrong on the service's side."""
    if status == 503:
        code, text = "ServiceUnavailable", "The service is temporarily unable to process your request."
    else:
        code, text = "InternalServerError", "The server had an error while processing your request."
    if config.is_azure:
        return Refusal(status, {"code": code, "message": text})
    return Refusal(status, {"message": text, "type": "server_error", "param": None, "code": None})


def prompt_filtered() -> Refusal:
    """400 of Azure's content filter: nothing generated, permanent for this prompt."""
    safe = {"filtered": False, "severity": "safe"}
    result = {
        "hate": safe,
        "self_harm": safe,
        "sexual": safe,
        "violence": {"filtered": True, "severity": "medium"},
        "jailbreak": {"filtered": False, "detected": False},
    }
    text = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry."
    )
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
    error = {"message": text, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return Refusal(400, {**error, "innererror": inner})


def duration(seconds: float) -> str:
    """A time as the openai profile writes it: 17ms, 1.2s, 6m0s."""
    if seconds < 1:
        return f"{ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(ceil(seconds), 60)
    return f"{minutes}m{rest}s"


def _limit_error(text: str, kind: str) -> dict[str, Any]:
    return {"message": text, "type": kind, "param": None, "code": "rate_limit_exceeded"}
