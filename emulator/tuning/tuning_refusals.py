"""What the services say when they turn down a call about fine-tuning or a deployment.

Source: the reference notes' sections on fine-tuning and deployments; the Resource Manager's words are those quoted in
public issue threads (all read 2026-11-22). Not confirmed by a source: the texts of the 403 and of wrong states.
"""

from emulator.config import EmulatorConfig
from emulator.files.file_refusals import bad_request
from emulator.wire.refusals import Refusal


def training_closed(config: EmulatorConfig) -> Refusal:
    """403: this organisation or resource may not train (any more)."""
    text = "Fine-tuning is not available for your organization. Existing fine-tuned models keep working until retired."
    if config.is_azure:
        return Refusal(403, {"code": "Forbidden", "message": "Fine-tuning is not available for this resource."})
    error = {"message": text, "type": "permission_error", "param": None, "code": "training_not_available"}
    return Refusal(403, error)


def not_tunable(config: EmulatorConfig, model: str) -> Refusal:
    """400: no such base model, or one that is not (or no longer) tuned."""
    if config.is_azure:
        return bad_request(config, "The specified base model does not support fine-tuning.", param="model")
    text = f"Model {model} is not available for fine-tuning or does not exist."
    return bad_request(config, text, param="model", code="model_not_available")


def no_such_job(config: EmulatorConfig, job_id: str) -> Refusal:
    """404."""
    text = f"Could not find fine tune: {job_id}"
    if config.profile == "azure":
        return Refusal(404, {"code": "notFound", "message": text})
    error = {"message": text, "type": "invalid_request_error", "param": "fine_tune_id", "code": "fine_tune_not_found"}
    return Refusal(404, error)


def wrong_state(config: EmulatorConfig, doing: str, status: str) -> Refusal:
    """400: cannot be done in this state."""
    text = f"Cannot {doing} a fine-tuning job that is in state {status}."
    return bad_request(config, text, param=None, code=None)


def arm(status: int, code: str, message: str) -> Refusal:
    """The Resource Manager's form."""
    return Refusal(status, {"code": code, "message": message})


def request_conflict(account: str) -> Refusal:
    """409: one deployment at a time."""
    text = (
        "Another operation is being performed on the parent resource "
        f"'/accounts/{account}'. Please try again after the current operation is completed."
    )
    return arm(409, "RequestConflict", text)


def insufficient_quota(asked: int, left: int) -> Refusal:
    """400: not enough capacity."""
    text = (
        f"This operation require {asked} new capacity in quota Tokens Per Minute (thousands) - fine-tuned, "
        f"which is bigger than the current available capacity {left}. The current quota usage and the quota limit "
        "are told in the portal."
    )
    return arm(400, "InsufficientQuota", text)
