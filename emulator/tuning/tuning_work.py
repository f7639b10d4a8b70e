"""What a job does besides waiting: read its files, train. Runs in a thread of its own."""

import importlib
from typing import TYPE_CHECKING

from emulator.files.shelf import Shelf
from emulator.tuning.training_file import LineError, TrainingFile, read_training_file
from emulator.tuning.tuning_job import Made, Order

if TYPE_CHECKING:
    from emulator.tuning.tuned_model import TunedModel

_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")


def make(order: Order, shelf: Shelf, earlier: "TunedModel | None") -> Made:
    """Read and train.

    Args:
        order: names the files.
        shelf: holds them; reading is safe beside other threads.
        earlier: what the order's model is, if it was tuned before.
    """
    training = _read(shelf, order.training_file)
    if training.errors:
        return Made(errors=training.errors)
    if training.is_chat == order.is_completion:
        wanted = "prompt and completion" if order.is_completion else "messages"
        error = LineError(1, f"{order.base} is trained on examples with {wanted}.")
        return Made(errors=(error,))
    validation = TrainingFile((), (), training.is_chat)
    if order.validation_file is not None:
        validation = _read(shelf, order.validation_file)
        if validation.errors:
            return Made(errors=validation.errors, param="validation_file")
        if validation.is_chat != training.is_chat:
            error = LineError(None, "Training and validation file differ in form.")
            return Made(errors=(error,), param="validation_file")
    lab = importlib.import_module("emulator.tuning.training")  # scikit-learn takes seconds: only who trains waits
    asked = {name: order.asked.get(name, "auto") for name in _HYPERPARAMETERS}
    settings = lab.hyperparameters(len(training.examples), asked)
    trained = lab.train(training.examples, validation.examples, settings=settings, seed=order.seed, base=earlier)
    return Made(settings=settings, trained=trained)


def _read(shelf: Shelf, file_id: str) -> TrainingFile:
    file = shelf.find(file_id)
    if file is None:
        return TrainingFile((), (LineError(None, "The file is gone."),), True)
    return read_training_file(line for _, line in shelf.spool.lines(file.segments[0]))
