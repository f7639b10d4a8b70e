"""What the services say when they turn down a call about files or batches.

Azure's dated API uses the words of its authoring description (codes such as notFound), the others those of OpenAI.
Not confirmed by a source: the texts, and the status of cancelling a batch that is over. Confirmed of the refusal at
create is only that its text contains token_limit_exceeded.
"""

from emulator.config import EmulatorConfig
from emulator.wire.refusals import Refusal


def no_such_file(config: EmulatorConfig, file_id: str) -> Refusal:
    """404: deleted, expired or never there."""
    return _refusal(config, 404, f"No such File object: {file_id}", param="id", dated_code="notFound")


def no_such_batch(config: EmulatorConfig, batch_id: str) -> Refusal:
    """404: never created, or another project's."""
    return _refusal(config, 404, f"No batch found with id '{batch_id}'.", param="id", dated_code="notFound")


def bad_request(config: EmulatorConfig, message: str, *, param: str | None, code: str | None = None) -> Refusal:
    """400: the call is wrong and will stay wrong."""
    return _refusal(config, 400, message, param=param, code=code, dated_code="invalidPayload")


def not_processed(config: EmulatorConfig, status: str) -> Refusal:
    """400: the input file is not ready, or never will be."""
    text = f"The input file is not in state processed but in state {status}."
    return _refusal(config, 400, text, param="input_file_id", dated_code="unexpectedEntityState")


def too_large(config: EmulatorConfig, most: int) -> Refusal:
    """413: larger than any file may be."""
    text = f"The file is larger than the allowed {most} bytes."
    return _refusal(config, 413, text, param="file", dated_code="invalidPayload")


def token_limit_exceeded(config: EmulatorConfig, model: str, limit: int) -> Refusal:
    """400: too many prompt tokens are queued."""
    text = (
        f"Enqueued token limit reached for {model} in organization org-emulator. Limit: {limit:,} enqueued tokens. "
        "Please try again once some in_progress batches have been completed."
    )
    if config.is_azure:
        return Refusal(400, {"code": "token_limit_exceeded", "message": f"token_limit_exceeded: {text}"})
    return _refusal(config, 400, text, param=None, code="token_limit_exceeded", dated_code="")


def nothing_to_cancel(config: EmulatorConfig, status: str) -> Refusal:
    """409: the batch is over."""
    text = f"Cannot cancel a batch with status '{status}'."
    return _refusal(config, 409, text, param=None, dated_code="conflict")


def _refusal(
    config: EmulatorConfig,
    status: int,
    message: str,
    *,
    param: str | None,
    dated_code: str,
    code: str | None = None,
) -> Refusal:
    if config.profile == "azure":
        return Refusal(status, {"code": dated_code if code is None else code, "message": message})
    return Refusal(status, {"message": message, "type": "invalid_request_error", "param": param, "code": code})
