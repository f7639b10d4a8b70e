"""The training itself: examples in, a tuned model, its checkpoints and its curve out. Nothing else reaches it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from emulator.answering import tokens
from emulator.tuning.text_classifier import TextClassifier
from emulator.tuning.text_features import situation
from emulator.tuning.training_file import Example
from emulator.tuning.training_results import Checkpoint, Hyperparameters, Point, Trained
from emulator.tuning.tuned_model import TunedModel, Voice, target_class, voice_of

POINTS_AN_EPOCH = 5
ITERATIONS_A_POINT = 8
"""Of the solver; three epochs are enough to converge at the default learning rate."""
_MOST_SAMPLED = 2_000


class _Sorted(NamedTuple):
    """Examples of one file by question: lines and classes."""

    lines: dict[str, list[tuple[str, ...]]]
    classes: dict[str, list[str]]


def hyperparameters(n_examples: int, asked: dict[str, object]) -> Hyperparameters:
    """Numbers as asked, the rest by the size of the file.

    Args:
        n_examples: in the training file.
        asked: n_epochs, batch_size, learning_rate_multiplier: numbers, "auto" or absent.
    """
    numbers = {name: float(v) for name, v in asked.items() if isinstance(v, int | float) and v > 0}
    return Hyperparameters(
        int(numbers.get("n_epochs", 3)),
        int(numbers.get("batch_size", max(1, min(256, n_examples // 500)))),
        numbers.get("learning_rate_multiplier", 1.0),
    )


def train(
    training: Sequence[Example],
    validation: Sequence[Example],
    *,
    settings: Hyperparameters,
    seed: int,
    base: TunedModel | None = None,
) -> Trained:
    """Fit every question's classifier, epoch by epoch.

    Args:
        training: examples.
        validation: never fitted; may be empty.
        settings: epochs, batch size and learning rate.
        seed: of samples and of the penalty's choice.
        base: a model to go on from: its other questions stay.
    """
    voice = voice_of(training)
    own, other = _sorted(training, voice), _sorted(validation, voice)
    heads = {key: TextClassifier(own.lines[key], own.classes[key], seed=seed) for key in own.lines}
    n_steps = max(1, settings.n_epochs * max(1, len(training) // settings.batch_size))
    n_points = min(settings.n_epochs * POINTS_AN_EPOCH, max(n_steps, settings.n_epochs))
    per_epoch = max(1, n_points // settings.n_epochs)
    iterations = max(1, round(ITERATIONS_A_POINT * min(settings.learning_rate_multiplier, 10.0)))
    rng, points, checkpoints = np.random.default_rng(seed), list[Point](), list[Checkpoint]()
    for number in range(1, settings.n_epochs * per_epoch + 1):
        for head in heads.values():
            head.fit_further(iterations)
        ends_epoch = number % per_epoch == 0
        step = max(1, round(n_steps * number / (settings.n_epochs * per_epoch)))
        points.append(_point(heads, own, other, step=step, rng=rng, full=ends_epoch))
        if ends_epoch:
            kept = {key: head.snapshot() for key, head in heads.items()}
            earlier = dict(base.heads) if base is not None else {}
            checkpoints.append(Checkpoint(step, TunedModel({**earlier, **kept}, voice), points[-1]))
    for head in heads.values():
        head.forget_examples()
    return Trained(tuple(points), tuple(checkpoints), n_tokens(training) * settings.n_epochs)


def n_tokens(examples: Sequence[Example]) -> int:
    """Tokens of prompts and answers."""
    return sum(
        tokens.prompt_count([*map(tokens.message_text, example.messages), example.target]) for example in examples
    )


def _sorted(examples: Sequence[Example], voice: Voice) -> _Sorted:
    found = _Sorted({}, {})
    for example in examples:
        seen = situation(example.messages)
        found.lines.setdefault(seen.key, []).append(seen.lines)
        found.classes.setdefault(seen.key, []).append(target_class(example, seen, voice))
    return found


def _point(
    heads: dict[str, TextClassifier], own: _Sorted, other: _Sorted, *, step: int, rng: np.random.Generator, full: bool
) -> Point:
    train_loss, train_accuracy = _measured(heads, own, rng, _MOST_SAMPLED // 10)
    if not other.lines:
        return Point(step, train_loss, train_accuracy, None, None, None, None)
    valid = _measured(heads, other, rng, _MOST_SAMPLED // 10)
    whole = _measured(heads, other, rng, None) if full else (None, None)
    return Point(step, train_loss, train_accuracy, *valid, *whole)


def _measured(
    heads: dict[str, TextClassifier], given: _Sorted, rng: np.random.Generator, most: int | None
) -> tuple[float, float]:
    losses, right = [], []
    for key, lines in given.lines.items():
        head = heads.get(key)
        chosen = np.arange(len(lines))
        if most is not None and len(lines) > most:
            chosen = rng.choice(len(lines), most, replace=False)
        if head is None:
            continue
        loss, hit = head.losses([lines[i] for i in chosen], [given.classes[key][i] for i in chosen])
        losses.append(loss)
        right.append(hit)
    if not losses:
        return 0.0, 0.0
    return float(np.concatenate(losses).mean()), float(np.concatenate(right).mean())
