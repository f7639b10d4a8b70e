"""Curves from results files of any columns, and what they warn of."""

import pytest

from finetuning.jobs.curves import Curves, curves_of_csv, curves_of_events, sparkline, warnings_of


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


def test_sparkline_falls_with_the_loss() -> None:
    assert sparkline([3.0, 2.0, 1.0]) == "█▅▁"
    assert sparkline([]) == ""
