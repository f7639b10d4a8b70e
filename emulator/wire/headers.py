"""Response headers: request ids, rate limits and hints, as each profile sends them."""

from collections.abc import Iterable
from math import ceil

from emulator.config import EmulatorConfig
from emulator.quota import Kind, Level, QuotaPool
from emulator.wire.refusals import duration

CLIENT_IDS = (b"x-client-request-id", b"x-ms-client-request-id")
"""Request headers that carry the caller's id of a call, the first one found counts."""

_KINDS: tuple[Kind, Kind] = ("requests", "tokens")


def client_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id of a call, "" if it sent none."""
    found = {name: value for name, value in headers if name in CLIENT_IDS}
    return next((found[name].decode("latin-1") for name in CLIENT_IDS if name in found), "")


def identity(config: EmulatorConfig, *, request_id: str, call_id: str, took_s: float) -> dict[str, str]:
    """Headers that name the answer and the service."""
    if config.is_azure:
        return {
            "x-request-id": request_id,
            "apim-request-id": request_id,
            "x-ms-client-request-id": call_id if call_id else request_id,
            "x-ms-region": "North Central US",
            "azureml-model-session": "d000-emulator",
        }
    return {
        "x-request-id": request_id,
        "openai-organization": "org-emulator",
        "openai-processing-ms": str(round(took_s * 1000)),
        "openai-version": "2020-10-01",
    }


def rates(config: EmulatorConfig, pool: QuotaPool, now_s: float) -> dict[str, str]:
    """Rate-limit headers; nothing for a limit that does not exist."""
    if config.shown_rates == "none":
        return {}
    shown: dict[str, str] = {}
    for kind in _KINDS:
        level = pool.level(kind, now_s)
        if level is not None:
            shown |= _rate(config, kind, level)
    return shown


def hint(config: EmulatorConfig, wait_s: float | None) -> dict[str, str]:
    """When to come back: retry-after in whole seconds, retry-after-ms exactly, both or neither."""
    if wait_s is None:
        return {}
    hints = {}
    if config.hint in ("seconds", "both"):
        hints["retry-after"] = str(max(1, ceil(wait_s)))
    if config.hint in ("milliseconds", "both"):
        hints["retry-after-ms"] = str(max(1, ceil(wait_s * 1000)))
    return hints


def _rate(config: EmulatorConfig, kind: Kind, level: Level) -> dict[str, str]:
    remaining = {f"x-ratelimit-remaining-{kind}": str(level.remaining)}
    if config.shown_rates == "remaining":
        return remaining
    reset = str(ceil(level.reset_s)) if config.is_azure else duration(level.reset_s)
    return {
        f"x-ratelimit-limit-{kind}": str(level.limit),
        **remaining,
        f"x-ratelimit-reset-{kind}": reset,
    }
