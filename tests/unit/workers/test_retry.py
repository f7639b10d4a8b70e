from random import Random

import pytest

from schemas.errors import (
    OversizedRequestError,
    RateLimitedError,
    RejectedRequestError,
    TransientModelError,
)
from workers.calls.retry import MAX_ATTEMPTS, MAX_THROTTLE_WAIT_S, GiveUp, TryAgain, decide


def decided(error, attempts=1, throttles=0):
    return decide(error, attempts=attempts, throttles=throttles, rng=Random(1))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(RejectedRequestError("no"), GiveUp, id="rejected request gives up"),
        pytest.param(OversizedRequestError("no"), GiveUp, id="oversized request gives up"),
        pytest.param(TransientModelError("later"), TryAgain, id="transient tries again"),
        pytest.param(RateLimitedError("slow down"), TryAgain, id="rate limit tries again"),
    ],
)
def test_kind_of_error_decides(error, kind):
    assert isinstance(decided(error), kind)


def test_rate_limit_costs_no_attempt_and_follows_the_hint():
    decision = decided(RateLimitedError("slow", retry_after_s=7.0), attempts=MAX_ATTEMPTS, throttles=99)
    assert not decision.counts
    assert 7.0 <= decision.delay_s <= 7.2


def test_absurd_hint_is_cut():
    decision = decided(RateLimitedError("slow", retry_after_s=80_000.0))
    assert decision.delay_s <= MAX_THROTTLE_WAIT_S + 0.2


def test_busy_service_is_waited_for_as_long_as_it_says():
    decision = decided(TransientModelError("busy", code="server_error", retry_after_s=7.0))
    assert decision.counts
    assert 7.0 <= decision.delay_s <= 8.0


def test_transient_error_gives_up_after_the_last_attempt():
    assert decided(TransientModelError("x", code="timeout"), attempts=MAX_ATTEMPTS) == GiveUp("timeout")


def test_unreachable_endpoint_costs_no_attempt():
    decision = decided(TransientModelError("x", code="unreachable"), attempts=MAX_ATTEMPTS, throttles=30)
    assert not decision.counts
    assert decision.delay_s <= 5
