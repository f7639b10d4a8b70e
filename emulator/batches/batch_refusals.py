"""What the services say when they turn down a call about batches.

Not confirmed by a source: the texts, and the status of cancelling a batch that is over. Confirmed of the refusal at
create is only that its text contains token_limit_exceeded.
"""

from emulator.config import EmulatorConfig
from emulator.files.file_refusals import refusal
from emulator.wire.refusals import Refusal


def no_such_batch(config: EmulatorConfig, batch_id: str) -> Refusal:
    """404: never created, or another project's."""
    return refusal(config, 404, f"No batch found with id '{batch_id}'.", param="id", dated_code="notFound")


def not_processed(config: EmulatorConfig, status: str) -> Refusal:
    """400: the input file is not ready, or never will be."""
    text = f"The input file is not in state processed but in state {status}."
    return refusal(config, 400, text, param="input_file_id", dated_code="unexpectedEntityState")


def token_limit_exceeded(config: EmulatorConfig, model: str, limit: int) -> Refusal:
    """400: too many prompt tokens are queued."""
    text = (
        f"Enqueued token limit reached for {model} in organization org-emulator. Limit: {limit:,} enqueued tokens. "
        "Please try again once some in_progress batches have been completed."
    )
    if config.is_azure:
        return Refusal(400, {"code": "token_limit_exceeded", "message": f"token_limit_exceeded: {text}"})
    return refusal(config, 400, text, param=None, code="token_limit_exceeded", dated_code="")


def nothing_to_cancel(config: EmulatorConfig, status: str) -> Refusal:
    """409: the batch is over."""
    text = f"Cannot cancel a batch with status '{status}'."
    return refusal(config, 409, text, param=None, dated_code="conflict")
