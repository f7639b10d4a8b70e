"""What the curves of a training warn of, in words; told from the noise of single steps. Pure.

A step's loss is that of a few examples: it goes up and down by half of itself in a healthy training. So a rise must be
larger than the curve's own noise makes likely, and only a whole validation file is believed at single points.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from finetuning.jobs.curves import Curves

_LEAST_POINTS, _LEAST_WHOLE = 6, 2
_OVERFIT, _SURE = 0.05, 3.0
_FLAT, _SMALL_LOSS = 0.98, 0.1
_JUMP, _OF_USUAL = 3.0, 15.0
_FEW_RIGHT = 0.05


def warnings_of(curves: Curves) -> list[str]:
    """A sentence on each trouble; curves too short to tell say nothing."""
    said = []
    train = _values(curves, "train_loss")
    if _overfits(_values(curves, "full_valid_loss"), _values(curves, "valid_loss")):
        said.append("The validation loss rises again: overfitting. Take an earlier checkpoint or fewer epochs.")
    if len(train) >= _LEAST_POINTS:
        first, last = _mean(train[: len(train) // 3]), _mean(train[-(len(train) // 3) :])
        if last > first * _FLAT and last > _SMALL_LOSS:
            said.append("The training loss hardly falls: underfitting, or nothing to learn. Try more epochs.")
        if _jumps(train):
            said.append("The training loss jumps: unstable. Lower the learning-rate multiplier.")
    if curves.n_undefined:
        steps = "a step" if curves.n_undefined == 1 else f"{curves.n_undefined:,} steps"
        said.append(f"The training loss is no number at {steps}: unstable. Lower the learning-rate multiplier.")
    accuracy = curves.last("train_accuracy")
    if accuracy is not None and accuracy < _FEW_RIGHT and len(train) >= _LEAST_POINTS:
        said.append("Hardly a token is right: look at the format of the answers.")
    return said


def _overfits(whole: Sequence[float], steps: Sequence[float]) -> bool:
    """The loss on the validation file ends above its least, beyond noise."""
    if len(whole) >= _LEAST_WHOLE:
        return whole[-1] > min(whole) * (1 + _OVERFIT)
    if len(steps) < _LEAST_POINTS:
        return False
    width = max(1, len(steps) // 4)
    means = [_mean(steps[at : at + width]) for at in range(len(steps) - width + 1)]
    rise = means[-1] - min(means)
    return rise > _OVERFIT * min(means) and rise > _SURE * _noise(steps) * (2 / width) ** 0.5


def _jumps(losses: Sequence[float]) -> bool:
    """A step up by several times the mean, and by far more than steps usually do; falling fast is no trouble."""
    steps = [b - a for a, b in pairwise(losses)]
    usual = median(abs(step) for step in steps)
    return max(steps) > max(_JUMP * _mean(losses), _OF_USUAL * usual)


def _noise(values: Sequence[float]) -> float:
    """Standard deviation of single points around whatever trend they follow."""
    bends = [a - 2 * b + c for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return float((_mean([bend**2 for bend in bends]) / 6) ** 0.5)


def _values(curves: Curves, name: str) -> list[float]:
    return [value for _, value in curves.points.get(name, ())]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
