"""Curves of a training, from results files of any columns or from events; what they warn of; how they look. Pure."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_NAMES = {
    "train_loss": ("train_loss", "training_loss"),
    "train_accuracy": ("train_mean_token_accuracy", "train_accuracy", "training_token_accuracy"),
    "valid_loss": ("full_valid_loss", "valid_loss", "validation_loss"),
    "valid_accuracy": (
        "full_valid_mean_token_accuracy", "valid_mean_token_accuracy", "validation_mean_token_accuracy",
        "valid_accuracy", "validation_token_accuracy",
    ),
}  # fmt: skip
_BARS = "▁▂▃▄▅▆▇█"
_OVERFIT, _LEAST_POINTS, _JUMP = 0.05, 6, 3.0


@dataclass(frozen=True)
class Curves:
    """Figures by step.

    Attributes:
        points: name (train_loss, train_accuracy, valid_loss, valid_accuracy) -> (step, value), by step.
    """

    points: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)

    def last(self, name: str) -> float | None:
        """The newest value."""
        found = self.points.get(name, ())
        return found[-1][1] if found else None


def curves_of_csv(data: bytes) -> Curves:
    """Curves of a results file, read by its header; unknown columns and empty cells are passed over."""
    text = data.decode("utf-8-sig", errors="replace")
    rows = [{str(k).strip(): v for k, v in row.items() if k is not None} for row in csv.DictReader(io.StringIO(text))]
    return _curves(rows)


def curves_of_events(metrics: Sequence[Mapping[str, Any]]) -> Curves:
    """Curves of metrics events."""
    return _curves(metrics)


def _curves(rows: Sequence[Mapping[str, Any]]) -> Curves:
    points: dict[str, dict[int, float]] = {}
    for at, row in enumerate(rows, start=1):
        step = _number(row.get("step"))
        for name, columns in _NAMES.items():
            value = next((v for column in columns if (v := _number(row.get(column))) is not None), None)
            if value is not None:
                points.setdefault(name, {})[at if step is None else int(step)] = value
    return Curves({name: sorted(found.items()) for name, found in points.items()})


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and value != "" else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number != -1 else None


def warnings_of(curves: Curves) -> list[str]:
    """What a curve warns of, in words."""
    said = []
    train = [value for _, value in curves.points.get("train_loss", ())]
    valid = [value for _, value in curves.points.get("valid_loss", ())]
    if len(valid) >= _LEAST_POINTS and valid[-1] > min(valid) * (1 + _OVERFIT):
        said.append("The validation loss rises again: overfitting. Take an earlier checkpoint or fewer epochs.")
    if len(train) >= _LEAST_POINTS:
        first, last = _mean(train[: len(train) // 3]), _mean(train[-(len(train) // 3) :])
        if last > first * 0.98 and last > 0.1:
            said.append("The training loss hardly falls: underfitting, or nothing to learn. Try more epochs.")
        steps = [abs(b - a) for a, b in pairwise(train)]
        if max(steps) > _JUMP * _mean(train):
            said.append("The training loss jumps: unstable. Lower the learning-rate multiplier.")
    accuracy = curves.last("train_accuracy")
    if accuracy is not None and accuracy < 0.05 and len(train) >= _LEAST_POINTS:
        said.append("Hardly a token is right: look at the format of the answers.")
    return said


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """Values as a row of bars, the lowest being the least; "" if there are none."""
    if not values:
        return ""
    taken = [
        values[round(i * (len(values) - 1) / max(1, min(width, len(values)) - 1))]
        for i in range(min(width, len(values)))
    ]
    low, high = min(taken), max(taken)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in taken)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
