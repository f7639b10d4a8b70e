"""What a training is asked for and what it leaves. Kept apart from the training itself, which is slow to import."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from emulator.tuning.tuned_model import TunedModel


class Hyperparameters(NamedTuple):
    """As resolved from what was asked; `auto` is decided from the data."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float


class Point(NamedTuple):
    """One row of the results; `full` figures at ends of epochs only, validation figures with a validation file."""

    step: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    full_valid_loss: float | None
    full_valid_accuracy: float | None


class Checkpoint(NamedTuple):
    """The model after an epoch."""

    step: int
    model: "TunedModel"
    point: Point


@dataclass(frozen=True)
class Trained:
    """Everything a training leaves; the last checkpoint is the model."""

    points: tuple[Point, ...]
    checkpoints: tuple[Checkpoint, ...]
    n_tokens: int
