"""Curves from results files of any columns, and what they warn of."""

import math
import random
from collections.abc import Callable

import pytest

from finetuning.jobs.curve_warnings import warnings_of
from finetuning.jobs.curves import Curves, curves_of_csv, curves_of_events, sparkline


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy", id="azure"),
        pytest.param("step,train_loss,train_accuracy,valid_loss,valid_accuracy", id="openai"),
        pytest.param("x,valid_accuracy,step,valid_loss,train_accuracy,train_loss", id="other order, unknown column"),
    ],
)
def test_results_are_read_by_their_header(header: str) -> None:
    columns = header.split(",")
    values = {"step": "3", "train_loss": "0.5", "valid_loss": ""}
    row = ",".join(values.get(name, "0.25") for name in columns)

    curves = curves_of_csv(f"{header}\n{row}\n".encode())

    assert curves.points["train_loss"] == [(3, 0.5)]
    assert "valid_loss" not in curves.points
    assert curves.last("train_accuracy") == 0.25


@pytest.mark.parametrize(
    ("data", "points"),
    [
        pytest.param(b"step;train_loss\r\n1;0,5\r\n", {"train_loss": [(1, 0.5)]}, id="semicolons"),
        pytest.param(b"Step\tTrain Loss\n1\t.5\n", {"train_loss": [(1, 0.5)]}, id="tabs and capitals"),
        pytest.param(
            b"step,train/loss,eval/loss\n1,.5,.6\n",
            {"train_loss": [(1, 0.5)], "valid_loss": [(1, 0.6)]},
            id="spelled with strokes",
        ),
        pytest.param(
            b"step,valid_loss,full_valid_loss\n1,1.2,\n2,1.3,1.1\n",
            {"valid_loss": [(1, 1.2), (2, 1.3)], "full_valid_loss": [(2, 1.1)]},
            id="whole validation apart from steps",
        ),
        pytest.param(
            b"step,train_reward_margin,elapsed_tokens,train_loss\n1,.1,99,.5\n",
            {"train_loss": [(1, 0.5)], "train_reward_margin": [(1, 0.1)]},
            id="figures of another method",
        ),
        pytest.param(b"step,train_loss\n1,.5,9,9\nx,.4\n3\n", {"train_loss": [(1, 0.5), (2, 0.4)]}, id="ragged"),
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"\x00\x01\xff", {}, id="no text"),
    ],
)
def test_odd_results_are_read_as_far_as_they_go(data: bytes, points: dict[str, list[tuple[int, float]]]) -> None:
    assert curves_of_csv(data).points == points


def test_events_make_the_same_curves() -> None:
    curves = curves_of_events([{"step": 2, "train_loss": 0.4}, {"step": 1, "train_loss": 0.9}])

    assert curves.points["train_loss"] == [(1, 0.9), (2, 0.4)]


@pytest.mark.parametrize(
    ("name", "values", "word"),
    [
        pytest.param("valid_loss", [1, 0.8, 0.6, 0.5, 0.6, 0.7], "overfitting", id="overfitting"),
        pytest.param("train_loss", [1, 1, 1, 1, 1, 1], "underfitting", id="underfitting"),
        pytest.param("train_loss", [1, 1, 9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], "unstable", id="unstable"),
    ],
)
def test_trouble_is_told_in_words(name: str, values: list[float], word: str) -> None:
    assert any(word in sentence for sentence in warnings_of(Curves({name: list(enumerate(values))})))


HEALTHY: dict[str, Callable[[random.Random, int], float]] = {
    "train_loss": lambda rng, at: rng.expovariate(1.0) * (1.5 - at / 100),
    "valid_loss": lambda rng, at: 1 - at / 200 + rng.gauss(0, 0.15),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_noise_of_single_steps_is_no_trouble(name: str) -> None:
    draws = (random.Random(seed) for seed in range(100))
    said = [warnings_of(Curves({name: [(at, HEALTHY[name](rng, at)) for at in range(100)]})) for rng in draws]

    assert sum(map(bool, said)) <= 10


def test_loss_that_falls_fast_is_no_trouble_and_one_that_is_no_number_is() -> None:
    fast = [3 * math.exp(-at) + 0.1 for at in range(100)]

    assert warnings_of(Curves({"train_loss": list(enumerate(fast))})) == []
    assert any("no number at 2 steps" in said for said in warnings_of(curves_of_csv(b"loss\n1\nnan\ninf\n")))


def test_whole_validation_file_is_believed_after_three_epochs() -> None:
    whole = [(10, 0.8), (20, 0.7), (30, 0.9)]

    assert any("overfitting" in said for said in warnings_of(Curves({"full_valid_loss": whole})))
    assert warnings_of(Curves({"full_valid_loss": whole[:2]})) == []


def test_sparkline_falls_with_the_loss() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert sparkline([]) == ""
