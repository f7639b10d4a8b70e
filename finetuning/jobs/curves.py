"""Curves of a training, from results files of any columns or from events; how they look. Pure."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_NAMES = {
    "train_loss": ("train_loss", "training_loss", "loss"),
    "train_accuracy": ("train_mean_token_accuracy", "train_accuracy", "training_token_accuracy"),
    "valid_loss": ("valid_loss", "validation_loss", "val_loss", "eval_loss"),
    "valid_accuracy": (
        "valid_mean_token_accuracy", "validation_mean_token_accuracy", "valid_accuracy", "validation_token_accuracy",
    ),
    "full_valid_loss": ("full_valid_loss", "full_validation_loss"),
    "full_valid_accuracy": ("full_valid_mean_token_accuracy", "full_valid_accuracy"),
}  # fmt: skip
_KNOWN = {column for columns in _NAMES.values() for column in columns}
_OTHERS = re.compile(r"(?:train|training|valid|validation|full_valid|val|eval)_\w+")
"""Columns of other methods of training, shown under their own names."""
_STEPS = ("step", "global_step", "step_number")
_NO_WORD = re.compile(r"\W+")
_UNDEFINED = ("nan", "inf", "-inf", "infinity")
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Curves:
    """Figures by step.

    Attributes:
        points: name -> (step, value), by step: train_loss, train_accuracy, valid_loss and valid_accuracy of a step,
            full_valid_loss and full_valid_accuracy of the whole validation file, then what else a service measures.
        n_undefined: losses of the training that are no number.
    """

    points: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    n_undefined: int = 0

    def last(self, name: str) -> float | None:
        """The newest value."""
        found = self.points.get(name, ())
        return found[-1][1] if found else None


def curves_of_csv(data: bytes) -> Curves:
    """Curves of a results file, read by its header: commas, semicolons or tabs, any case, any other columns."""
    text = data.decode("utf-8-sig", errors="replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    return _curves([{k: _with_point(v, delimiter) for k, v in row.items() if k is not None} for row in rows])


def curves_of_events(metrics: Sequence[Mapping[str, Any]]) -> Curves:
    """Curves of metrics events."""
    return _curves(metrics)


def _curves(rows: Sequence[Mapping[str, Any]]) -> Curves:
    points: dict[str, dict[int, float]] = {}
    n_undefined = 0
    for at, read in enumerate(rows, start=1):
        row = {_NO_WORD.sub("_", str(name).strip().lower()): value for name, value in read.items()}
        step = _first(row, _STEPS)
        others = {name: (name,) for name in row if name not in _KNOWN and _OTHERS.fullmatch(name)}
        for name, columns in (_NAMES | others).items():
            value = _first(row, columns)
            if value is not None:
                points.setdefault(name, {})[at if step is None else int(step)] = value
        n_undefined += any(str(row.get(column)).strip().lower() in _UNDEFINED for column in _NAMES["train_loss"])
    return Curves({name: sorted(points[name].items()) for name in sorted(points, key=_rank)}, n_undefined)


def _rank(name: str) -> tuple[int, str]:
    """Known curves in their order, then the others by name."""
    return (list(_NAMES).index(name) if name in _NAMES else len(_NAMES), name)


def _first(row: Mapping[str, Any], columns: Sequence[str]) -> float | None:
    return next((value for column in columns if (value := _number(row.get(column))) is not None), None)


def _with_point(value: object, delimiter: str) -> object:
    """Where semicolons part the columns, a comma is the decimal one."""
    return value.replace(",", ".") if delimiter == ";" and isinstance(value, str) else value


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and value != "" else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number != -1 else None


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
