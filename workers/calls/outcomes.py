"""What a settled request becomes: an Answer from a reply, or from the error it was given up with."""

import json
from datetime import UTC, datetime

from providers.prices import cost_usd
from providers.replies import Reply, Usage
from schemas.errors import ModelError
from workers.calls.lanes import Lane
from workers.shards.landing import Answer


def paid_usd(lane: Lane, usage: Usage | None) -> float:
    """US$ of one call; 0 if its usage or the model's price is unknown."""
    return 0.0 if usage is None or lane.price is None else cost_usd(usage, lane.price)


def answered(lane: Lane, reply: Reply, *, paid_before_usd: float, attempts: int) -> Answer:
    """From the reply; `paid_before_usd` is what earlier calls of the request cost."""
    usage = reply.usage
    return Answer(
        outcome=reply.outcome,
        turns=() if reply.text is None else (reply.text,),
        cost_usd=paid_before_usd + paid_usd(lane, usage),
        attempts=attempts,
        created_at=_now(),
        model=lane.model.model,
        logprobs=None if reply.logprobs is None else json.dumps(reply.logprobs),
        prompt_tokens=None if usage is None else usage.prompt_tokens,
        cached_tokens=None if usage is None else usage.cached_tokens,
        completion_tokens=None if usage is None else usage.completion_tokens,
        reasoning_tokens=None if usage is None else usage.reasoning_tokens,
        deployment=lane.deployment.name,
        served_model=reply.served_model,
        system_fingerprint=reply.system_fingerprint,
        latency_s=reply.latency_s,
        finish_reason=reply.finish_reason,
        error_code=reply.error_code,
        error_message=reply.error_message,
    )


def failed(lane: Lane, error: ModelError, *, paid_before_usd: float, attempts: int) -> Answer:
    """From the last error of a request that is given up."""
    return Answer(
        outcome="failed",
        turns=(),
        cost_usd=paid_before_usd,
        attempts=attempts,
        created_at=_now(),
        model=lane.model.model,
        deployment=lane.deployment.name,
        error_code=error.code,
        error_message=error.what,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
