"""Figures: shares of a quota, spreads, samples, the list of measurements."""

import importlib.util
import json

import pytest

from benchmarks.__main__ import BENCHMARKS, REPO
from benchmarks.arrivals import judged, rate, share_used
from benchmarks.engine_memory import thinned
from benchmarks.figures import show, spread

STATS = {
    "per_100ms": [10] * 100,
    "tokens_per_100ms": [1000] * 100,
    "worst_second": 105,
    "worst_second_tokens": 10_000,
    "worst_minute": 1000,
    "worst_minute_tokens": 100_000,
    "refused_minute": 1,
    "refused_second": 2,
    "refused_tokens": 3,
}


def test_an_even_rate_at_the_quota_uses_all_of_it() -> None:
    assert share_used([10] * 50, 6000, 5) == pytest.approx(1.0)
    assert rate([0] * 10 + [10] * 40, 1, 5) == pytest.approx(100.0)


def test_requests_and_tokens_are_judged_by_their_own_limit() -> None:
    requests = judged(STATS, per_minute=6000, unit="requests", seconds=10)
    assert requests["share_used"] == 1.0
    assert requests["worst_second"] == 1.05
    assert requests["refused"] == 6
    tokens = judged(STATS, per_minute=1_200_000, unit="tokens", seconds=10)
    assert tokens["share_used"] == 0.5


def test_a_spread_names_median_least_and_most() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_thinned_samples_keep_the_last() -> None:
    samples = [{"answered": float(i)} for i in range(95)]
    kept = thinned(samples, 10)
    assert kept[-1] == samples[-1]
    assert 8 <= len(kept) <= 12


def test_shown_figures_are_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    show("engine_x", [{"case": "a", "value": 1.5}], {"figures": {"a": 1.5}})
    out, err = capsys.readouterr()
    assert json.loads(out)["figures"] == {"a": 1.5}
    assert "case" in err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_named_measurement_is_a_module(name: str) -> None:
    assert importlib.util.find_spec(BENCHMARKS[name].module) is not None
    assert (REPO / "benchmarks" / f"{name}.py").exists()
