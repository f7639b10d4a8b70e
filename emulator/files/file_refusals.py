"""What the services say when they turn down a call about files, and the form of such refusals.

Azure's dated API uses the words of its authoring description (codes such as notFound), the others those of OpenAI.
Not confirmed by a source: the texts.
"""

from emulator.config import EmulatorConfig
from emulator.wire.refusals import Refusal


def refusal(
    config: EmulatorConfig,
    status: int,
    message: str,
    *,
    param: str | None,
    dated_code: str,
    code: str | None = None,
) -> Refusal:
    """A refusal in the profile's form; only the dated API has `dated_code`, and it has no `param`."""
    if config.profile == "azure":
        return Refusal(status, {"code": dated_code if code is None else code, "message": message})
    return Refusal(status, {"message": message, "type": "invalid_request_error", "param": param, "code": code})


def bad_request(config: EmulatorConfig, message: str, *, param: str | None, code: str | None = None) -> Refusal:
    """400: the call is wrong and will stay wrong."""
    return refusal(config, 400, message, param=param, code=code, dated_code="invalidPayload")


def no_such_file(config: EmulatorConfig, file_id: str) -> Refusal:
    """404: deleted, expired or never there."""
    return refusal(config, 404, f"No such File object: {file_id}", param="id", dated_code="notFound")


def too_large(config: EmulatorConfig, most: int) -> Refusal:
    """413: larger than any file may be."""
    text = f"The file is larger than the allowed {most} bytes."
    return refusal(config, 413, text, param="file", dated_code="invalidPayload")
