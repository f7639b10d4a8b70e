"""The script on a clock of the test: two minutes of use take a second, and clocks can be stepped."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
import redis

from schemas import wire
from workers.limits import quota_script
from workers.limits.quota_server import BUCKET_S, FASTEST, MAX_AHEAD_S, SPARE, Unused

US = 1_000_000


@dataclass
class Pool:
    """One pool, asked as `RedisQuotaServer` asks, at moments that the test names."""

    client: redis.Redis
    name: str
    rpm: int = 6000
    tpm: int = 0
    at_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = "local t = {math.floor(ARGV[#ARGV] / 1000000), ARGV[#ARGV] % 1000000}"
        told = (script.replace("local t = redis.call('TIME')", clock) for script in _SCRIPTS)
        self.reserve_script, self.hold_script, self.limit_script = (self.client.register_script(t) for t in told)
        self.keys = [wire.limiter(self.name), wire.limiter_minute(self.name)]

    def ask(self, now_s: float, n: int, tokens: int = 0, unused: Sequence[Unused] = ()) -> float | None:
        """Start of the block after now, in seconds; None if booked out."""
        args = [self.rpm, self.tpm, n, tokens, int(MAX_AHEAD_S * US), SPARE, FASTEST]
        args += [len(unused), *(value for each in unused for value in each)]
        now, start, _, per_call, per_token = self.reserve_script(self.keys, [*args, round(now_s * US)])
        if start < 0:
            return None
        step_s = max(float(per_call), float(per_token) * tokens / n) / US
        first_s = now_s + (start - now) / US
        self.at_s += [first_s + i * step_s for i in range(n)]
        return first_s - now_s

    def use(self, from_s: float, to_s: float, *, lost: float = 0.0, tokens: int = 0, used: int | None = None) -> None:
        """Four callers that always want more; a part `lost` of the moments is missed and given back a second later."""
        rng, now_s, later = Random(1), from_s, []
        while now_s < to_s:
            n = 25
            due = [unused for told_s, unused in later if told_s <= now_s]
            later = [entry for entry in later if entry[0] > now_s]
            if self.ask(now_s, n, n * tokens, due) is None:
                now_s += 0.02
                continue
            for at_s in [self.at_s.pop() for _ in range(n)]:
                missed = rng.random() < lost
                if not missed:
                    self.at_s.append(at_s)
                back = tokens if missed else 0 if used is None else tokens - used
                if missed or back:
                    later.append((at_s + 1.0, Unused(int(at_s / BUCKET_S), int(missed), back)))

    def most_in(self, seconds: float) -> int:
        """Most calls in any such span."""
        at_s = sorted(self.at_s)
        return max(bisect_right(at_s, first + seconds - 1e-5) - i for i, first in enumerate(at_s))

    def n_between(self, from_s: float, to_s: float) -> int:
        """Calls in a span."""
        return sum(from_s <= at < to_s for at in self.at_s)


_SCRIPTS = (quota_script.RESERVE, quota_script.HOLD, quota_script.LIMIT)
START_S = 1_700_000_000.0


@pytest.fixture
def pool(redis_url, request):
    with redis.Redis.from_url(redis_url) as client:
        yield Pool(client, request.node.name)


@pytest.mark.parametrize("lost", [0.0, 0.01, 0.015])
def test_script_uses_the_minute_whatever_is_missed_and_never_more(pool, lost):
    pool.use(START_S, START_S + 120, lost=lost)

    assert pool.n_between(START_S, START_S + 120) >= 0.995 * 12_000
    assert pool.most_in(60) <= 6000
    assert pool.most_in(1) <= 103
    assert pool.n_between(START_S, START_S + 1) <= 102


def test_script_makes_up_for_a_second_lost_at_the_start_within_the_minute(pool):
    pool.ask(START_S, 1)
    pool.use(START_S + 1, START_S + 120)

    assert pool.n_between(START_S, START_S + 120) >= 0.995 * 12_000
    assert pool.most_in(60) <= 6000
    assert pool.most_in(1) <= 103


def test_script_keeps_the_minute_when_a_second_of_turns_is_missed_and_told_late(pool):
    pool.use(START_S, START_S + 2)
    pool.use(START_S + 2, START_S + 3, lost=1.0)
    pool.use(START_S + 3, START_S + 130)

    assert pool.n_between(START_S, START_S + 120) >= 0.99 * 12_000
    assert pool.most_in(60) <= 6000


def test_script_books_tokens_that_come_back_without_a_burst(pool):
    pool.rpm, pool.tpm = 18_000, 6000 * 240
    pool.use(START_S, START_S + 120, tokens=243, used=240, lost=0.005)

    assert pool.n_between(START_S, START_S + 120) >= 0.995 * 12_000
    assert pool.most_in(60) <= 6000
    assert pool.most_in(1) <= 103


def test_script_goes_on_at_its_pace_when_the_clock_jumps(pool):
    pool.use(START_S, START_S + 20)
    seen = len(pool.at_s)

    pool.use(START_S + 3620, START_S + 3640)  # an hour ahead
    pool.use(START_S + 41, START_S + 61)  # and back again

    assert len(pool.at_s) - seen == pytest.approx(4000, abs=60)


def test_script_forgets_moments_that_no_clock_can_have_meant(pool):
    forged = round((START_S + 7200) * US)
    pool.client.hset(pool.keys[0], mapping={"r": forged, "t": forged, "h": forged, "born": 1, "m": round(START_S * US)})

    assert pool.ask(START_S + 1, 1) == pytest.approx(0, abs=0.01)


def test_script_holds_the_pool_and_does_not_burst_afterwards(pool):
    pool.use(START_S, START_S + 10)
    pool.hold_script(pool.keys[:1], [5 * US, round((START_S + 10) * US)])

    assert pool.ask(START_S + 11, 25) is None
    pool.use(START_S + 14, START_S + 30)

    assert pool.n_between(START_S + 11, START_S + 14.99) == 0
    assert pool.most_in(1) <= 103


def test_script_keeps_to_a_lower_limit_until_it_expires(pool):
    pool.limit_script(pool.keys[:1], [600, 0, 30 * US, round(START_S * US)])
    pool.use(START_S, START_S + 60)

    assert pool.n_between(START_S, START_S + 30) == pytest.approx(300, abs=10)
    assert pool.n_between(START_S + 31, START_S + 60) == pytest.approx(2850, abs=70)  # the last slow block lasts 2.5 s


def test_script_lets_a_request_as_large_as_the_quota_through_once_the_minute_is_empty(pool):
    pool.rpm, pool.tpm = 600, 1000

    assert pool.ask(START_S, 1, 1000) == 0
    assert pool.ask(START_S + 59, 1, 1000) is None
    assert pool.ask(START_S + 60.2, 1, 1000) == pytest.approx(0, abs=0.2)


def test_script_serves_a_pool_of_one_request_a_minute(pool):
    pool.rpm = 1

    assert pool.ask(START_S, 1) == 0
    assert pool.ask(START_S + 30, 1) is None
    assert pool.ask(START_S + 60.2, 1) == pytest.approx(0, abs=0.1)
