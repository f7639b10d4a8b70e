import pytest

from providers.rate_hints import NO_HINTS, RateHints
from workers.limits.limiter import PoolLimiter
from workers.limits.pool_hints import SAY_AGAIN_S, PoolHints
from workers.limits.quota_server import Booking, Quota, Reservation


class Told:
    """A quota server that keeps what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple] = []

    async def reserve(self, quota: Quota, booking: Booking) -> Reservation:
        raise AssertionError(quota, booking)

    async def hold(self, pool: str, seconds: float) -> None:
        self.heard.append(("hold", pool, seconds))

    async def limit(self, pool: str, *, requests_per_min: int, tokens_per_min: int, seconds: float) -> None:
        self.heard.append(("limit", pool, requests_per_min, tokens_per_min))


@pytest.fixture
def server():
    return Told()


@pytest.fixture
def hints(server):
    return PoolHints(PoolLimiter(Quota("east", 600, 9000), server))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        pytest.param(NO_HINTS, [], id="nothing"),
        pytest.param(RateHints(600, 599, 1.0, 9000, 8000, 1.0), [], id="as configured"),
        pytest.param(RateHints(remaining_requests=0, remaining_tokens=0), [], id="nothing left, no reset: unknown"),
        pytest.param(RateHints(remaining_requests=0, reset_requests_s=12.0), [("hold", "east", 12.0)], id="requests"),
        pytest.param(
            RateHints(remaining_requests=3, reset_requests_s=50.0, remaining_tokens=0, reset_tokens_s=7.0),
            [("hold", "east", 7.0)],
            id="tokens",
        ),
        pytest.param(RateHints(remaining_tokens=0, reset_tokens_s=59.9), [], id="whole again in a minute: full use"),
        pytest.param(RateHints(limit_tokens=3000, remaining_tokens=5), [("limit", "east", 0, 3000)], id="fewer tokens"),
        pytest.param(RateHints(limit_requests=60, remaining_requests=5), [("limit", "east", 60, 0)], id="fewer calls"),
    ],
)
async def test_pool_follows_what_the_service_says_of_it(hints, server, said, heard):
    await hints.heard(said, 0.0)

    assert server.heard == heard


async def test_lower_limit_is_repeated_now_and_then_and_told_once(hints, server):
    lower = RateHints(limit_tokens=3000, remaining_tokens=5)

    told = [await hints.heard(lower, now_s) for now_s in (0.0, 1.0, SAY_AGAIN_S + 1)]

    assert len(server.heard) == 2
    assert told == [
        "Quota pool east: the service allows 3,000 tokens a minute, less than the models file says.",
        None,
        None,
    ]
