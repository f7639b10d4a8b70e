import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.quota import Booking, Limits, QuotaPool, Refused, Window


def arrive(pool: QuotaPool, now_s: float, *, prompt: int = 10, most: int = 10):
    return pool.arrive(prompt_tokens=prompt, max_tokens=most, now_s=now_s)


def test_requests_beyond_the_minute_are_refused_until_the_oldest_leaves():
    pool = QuotaPool(Limits(rpm=3, burst_requests=3))
    for now_s in (0.0, 10.0, 20.0):
        assert arrive(pool, now_s) is None

    refused = arrive(pool, 30.0)

    assert refused == Refused("requests", 30.0, 3, 3, 1)
    assert arrive(pool, 60.0) is None


def test_one_second_check_refuses_a_burst_that_the_minute_would_allow():
    pool = QuotaPool(Limits(rpm=600))
    outcomes = [arrive(pool, 0.01 * at) for at in range(11)]

    assert outcomes[:10] == [None] * 10
    assert isinstance(outcomes[10], Refused)
    assert outcomes[10].wait_s == pytest.approx(0.9)


def test_evenly_spaced_requests_at_the_quota_are_never_refused():
    pool = QuotaPool(Limits(rpm=600))

    assert all(arrive(pool, 0.1 * at + 1e-9 * at) is None for at in range(2000))


def test_max_tokens_counting_books_the_maximum_on_arrival():
    pool = QuotaPool(Limits(tpm=100, counting="max_tokens"))
    first = arrive(pool, 0.0, prompt=20, most=60)
    pool.settle(first, completion_tokens=1)

    refused = arrive(pool, 1.0, prompt=20, most=10)

    assert isinstance(refused, Refused)
    assert (refused.kind, refused.used, refused.requested, refused.wait_s) == ("tokens", 80, 30, 59.0)


def test_actual_counting_books_the_answer_when_it_is_known():
    pool = QuotaPool(Limits(tpm=100, counting="actual"))
    booking = arrive(pool, 0.0, prompt=20, most=10_000)
    pool.settle(booking, completion_tokens=70)

    assert isinstance(arrive(pool, 1.0, prompt=11, most=5), Refused)
    assert isinstance(arrive(pool, 1.0, prompt=10, most=5), Booking)


def test_request_larger_than_the_limit_is_refused_for_ever():
    pool = QuotaPool(Limits(tpm=100, counting="max_tokens"))

    refused = arrive(pool, 0.0, prompt=50, most=51)

    assert isinstance(refused, Refused)
    assert refused.oversized


@pytest.mark.parametrize(("count_rejected", "refused_at_61"), [(True, True), (False, False)])
def test_blind_retries_prolong_the_wait_only_where_rejected_requests_count(count_rejected, refused_at_61):
    pool = QuotaPool(Limits(rpm=2, burst_requests=2, count_rejected=count_rejected))
    for now_s in (0.0, 0.1, 30.0, 31.0):
        arrive(pool, now_s)

    assert isinstance(arrive(pool, 61.0), Refused) is refused_at_61


def test_settling_after_the_window_has_passed_changes_nothing():
    window = Window(10, 60.0)
    booking = window.book(4, 0.0)
    assert window.used(60.0) == 0

    window.add(booking, 100)

    assert window.used(60.0) == 0


def test_levels_tell_limit_remaining_and_reset():
    pool = QuotaPool(Limits(rpm=60, tpm=1000))
    arrive(pool, 5.0, prompt=100, most=50)

    assert pool.level("requests", 10.0) == (60, 59, 55.0)
    assert pool.level("tokens", 10.0) == (1000, 850, 55.0)
    assert QuotaPool(Limits()).level("tokens", 0.0) is None


arrivals = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 40)), min_size=1, max_size=60)


@given(arrivals)
def test_no_minute_ever_holds_more_than_the_limit_and_the_hint_is_exact(arrivals):
    pool, now_s, admitted = QuotaPool(Limits(rpm=5, burst_requests=5, tpm=60)), 0.0, []
    for gap_s, size in arrivals:
        now_s += gap_s
        outcome = arrive(pool, now_s, prompt=size, most=0)
        if isinstance(outcome, Refused):
            now_s += outcome.wait_s
            assert not isinstance(arrive(pool, now_s, prompt=size, most=0), Refused)
        admitted.append((now_s, size))

    for start_s, _ in admitted:
        inside = [size for at_s, size in admitted if start_s <= at_s < start_s + 59.999]
        assert len(inside) <= 5
        assert sum(inside) <= 60
