"""What response headers say about quotas: limits, what is left, when it resets, how long to wait after a 429."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_IN_WORDS = re.compile(
    r"(?:retry after|try again in)\s+"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)\s*seconds?|(?P<duration>(?:\d+(?:\.\d+)?(?:ms|h|m|s|d))+))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RateHints:
    """Quota headers of one response; None where a header is absent, unreadable or negative.

    Attributes:
        limit_requests: requests a window allows.
        remaining_requests: requests left in it.
        reset_requests_s: seconds until the request quota is whole again.
        limit_tokens: tokens a window allows; may be under the configured quota for hours.
        remaining_tokens: tokens left in it.
        reset_tokens_s: seconds until the token quota is whole again.
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None


NO_HINTS = RateHints()


def rate_hints(headers: Mapping[str, str]) -> RateHints:
    """The quota headers of a response, in the number and the duration form.

    Args:
        headers: response headers; look-ups must not mind case.
    """
    if "x-ratelimit-remaining-requests" not in headers and "x-ratelimit-remaining-tokens" not in headers:
        return NO_HINTS
    return RateHints(
        limit_requests=_positive(_count(headers, "x-ratelimit-limit-requests")),
        remaining_requests=_count(headers, "x-ratelimit-remaining-requests"),
        reset_requests_s=_seconds(headers, "x-ratelimit-reset-requests"),
        limit_tokens=_positive(_count(headers, "x-ratelimit-limit-tokens")),
        remaining_tokens=_count(headers, "x-ratelimit-remaining-tokens"),
        reset_tokens_s=_seconds(headers, "x-ratelimit-reset-tokens"),
    )


def exhausted_s(hints: RateHints) -> float | None:
    """Seconds until what is used up is there again; None if nothing is, or if the headers do not say when.

    A remainder of 0 without a reset is no statement: Azure sends 0 and -1 for what it does not know.
    """
    pairs = (
        (hints.remaining_requests, hints.reset_requests_s),
        (hints.remaining_tokens, hints.reset_tokens_s),
    )
    waits = [reset_s for remaining, reset_s in pairs if remaining == 0 and reset_s is not None and reset_s > 0]
    return max(waits) if waits else None


def duration_s(text: str) -> float | None:
    """Seconds of `17ms`, `6m0s`, `1h2m3.5s` or a plain number of seconds; None if it is neither or negative."""
    text = text.strip().lower()
    if _NUMBER.fullmatch(text):
        return None if text.startswith("-") else float(text)
    pieces = _DURATION.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    # fsum: 6m0s must be 360.0, whatever the order of the pieces
    return math.fsum(float(number) * _UNIT_S[unit] for number, unit in pieces)


def retry_after_s(headers: Mapping[str, str], message: str, *, now: datetime) -> float | None:
    """How long the service asks to wait, in seconds; None if it does not say.

    In this order: `retry-after-ms` and `x-ms-retry-after-ms`, `retry-after` (number or HTTP date), a token reset
    that stands alone, the sentence in the message. A date in the past gives 0.

    Args:
        headers: response headers; look-ups must not mind case.
        message: the service's error message.
        now: the present, aware; only HTTP dates need it.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = duration_s(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1000
    waited = _retry_after(headers.get("retry-after", ""), now)
    if waited is None:
        waited = duration_s(headers.get("x-rate-limit-reset-tokens", ""))
    return waited if waited is not None else _in_words(message)


def _retry_after(value: str, now: datetime) -> float | None:
    seconds = duration_s(value)
    if seconds is not None or not value.strip():
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _in_words(message: str) -> float | None:
    match = _IN_WORDS.search(message)
    if match is None:
        return None
    return float(match["seconds"]) if match["seconds"] is not None else duration_s(match["duration"])


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "").strip()
    number = float(value) if _NUMBER.fullmatch(value) and not value.startswith("-") else math.inf
    return int(number) if math.isfinite(number) else None


def _positive(value: int | None) -> int | None:
    return None if value == 0 else value


def _seconds(headers: Mapping[str, str], name: str) -> float | None:
    return duration_s(headers.get(name, ""))
