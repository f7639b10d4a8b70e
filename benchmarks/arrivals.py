"""What arrivals at the endpoint say about the use of a quota."""

from collections.abc import Mapping, Sequence
from typing import Any

BUCKETS_PER_S = 10


def share_used(per_100ms: Sequence[int], per_minute: float, seconds: float) -> float:
    """Part of the quota used in the first `seconds` after the first arrival; 1.0 is all of it."""
    return sum(per_100ms[: int(seconds * BUCKETS_PER_S)]) / (per_minute / 60 * seconds)


def rate(per_100ms: Sequence[int], from_s: float, to_s: float) -> float:
    """Arrivals a second between two moments after the first arrival."""
    return sum(per_100ms[int(from_s * BUCKETS_PER_S) : int(to_s * BUCKETS_PER_S)]) / (to_s - from_s)


def refused(stats: Mapping[str, Any]) -> int:
    """429s of all kinds."""
    return int(stats["refused_minute"] + stats["refused_second"] + stats["refused_tokens"])


def judged(stats: Mapping[str, Any], *, per_minute: int, unit: str, seconds: float) -> dict[str, float]:
    """Share used, worst sliding second and first second of a quota, each as a part of what it allows.

    Args:
        stats: of the loopback endpoint.
        per_minute: the quota.
        unit: "requests" or "tokens".
        seconds: length of the measurement from the first arrival.
    """
    is_tokens = unit == "tokens"
    buckets = stats["tokens_per_100ms" if is_tokens else "per_100ms"]
    per_s = per_minute / 60
    return {
        "share_used": round(share_used(buckets, per_minute, seconds), 4),
        "share_after_5_s": round(rate(buckets, 5, seconds) / per_s, 4),
        "worst_second": round(stats["worst_second_tokens" if is_tokens else "worst_second"] / per_s, 4),
        "worst_minute": round(stats["worst_minute_tokens" if is_tokens else "worst_minute"] / per_minute, 4),
        "first_second": round(rate(buckets, 0, 1) / per_s, 4),
        "refused": refused(stats),
    }
