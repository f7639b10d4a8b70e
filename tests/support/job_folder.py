"""A run of two questions and three arms to evaluate: one good, one constant, one imported."""

from typing import Any

import numpy as np

from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder, variable

N = 240


def make_folder(**changes: Any) -> RunFolder:
    """Two questions; `good` is often right, `constant` always says 1, `earlier` is imported."""
    rng = np.random.default_rng(0)
    field = rng.integers(1, 4, N)
    q1 = np.where(rng.random(N) < 0.5, field, rng.integers(1, 4, N))
    q2 = np.where(rng.random(N) < 0.1, NO_ANSWER, rng.integers(1, 3, N))
    good = {q: np.where(rng.random(N) < 0.9, t, 1) for q, t in (("Q1", q1), ("Q2", q2))}
    earlier = np.where(rng.random(N) < 0.2, NO_ANSWER, rng.integers(1, 4, N))
    made = {
        "questions": [variable("Q1", [1, 2, 3], scale="ordinal", scale_order=[1, 3, 2], cut=3), variable("Q2", [1, 2])],
        "truth": {"Q1": q1, "Q2": q2},
        "arms": {
            "good": {q: ArmRows(np.maximum(a, 1)) for q, a in good.items()},
            "constant": {"Q1": ArmRows(np.ones(N, int)), "Q2": ArmRows(np.ones(N, int))},
            "earlier": {"Q1": ArmRows(earlier, transport="imported")},
        },
        "fields": {"F": field.tolist(), "AGE": [None if i % 9 == 0 else 20 + i % 60 for i in range(N)]},
        "numeric": ["AGE"],
        "weights": rng.random(N) + 0.5,
        "split": np.where(rng.random(N) < 0.4, "test", "train"),
    }
    return RunFolder(**{**made, **changes})
