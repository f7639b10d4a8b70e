from math import log
from statistics import median, stdev

import pytest

from emulator.answering.latency import Latency
from emulator.answering.seeds import draws


def test_no_latency_takes_no_time():
    assert Latency().seconds(0.9999999, 500) == 0.0


def test_times_are_lognormal_with_median_and_sigma():
    latency = Latency(median_s=0.4, sigma=0.5)
    times = [latency.seconds(draws("latency", n).first, 0) for n in range(4000)]

    assert median(times) == pytest.approx(0.4, rel=0.05)
    assert stdev(map(log, times)) == pytest.approx(0.5, rel=0.05)


def test_tokens_add_to_the_time():
    assert Latency(median_s=1, per_token_s=0.01).seconds(0.5, 50) == pytest.approx(1.5)


def test_extreme_draws_stay_finite():
    assert Latency(median_s=1, sigma=3).seconds(1 - 2**-60, 0) < float("inf")
