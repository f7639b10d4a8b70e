"""A run with everything that makes figures differ: weights, missing answers, reordered scales, probabilities."""

import numpy as np

from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder, variable

N = 400


def mixed_run() -> RunFolder:
    """Three questions, four arms; one arm is constant, one has probabilities, one leaves answers out."""
    rng = np.random.default_rng(17)
    field = rng.integers(1, 4, N)
    truth = {
        "Q1": np.where(rng.random(N) < 0.1, NO_ANSWER, np.where(rng.random(N) < 0.5, field, rng.integers(1, 4, N))),
        "Q2": rng.integers(1, 3, N),
        "Q3": np.where(rng.random(N) < 0.2, NO_ANSWER, rng.choice([2, 4, 7, 9], N)),
    }
    codes = {"Q1": [1, 2, 3], "Q2": [1, 2], "Q3": [2, 4, 7, 9, 11]}
    shares = rng.dirichlet([1, 1, 1], N)
    arms = {
        "good": {q: ArmRows(np.where(rng.random(N) < 0.6, t, rng.choice(codes[q], N))) for q, t in truth.items()},
        "constant": {q: ArmRows(np.full(N, codes[q][0])) for q in truth},
        "gaps": {"Q1": ArmRows(np.where(rng.random(N) < 0.3, NO_ANSWER, rng.integers(1, 4, N)))},
        "sure": {
            "Q1": ArmRows(
                shares.argmax(axis=1) + 1,
                probabilities=[dict(zip((1, 2, 3), map(float, p), strict=True)) for p in shares],
            )
        },
    }
    return RunFolder(
        questions=[
            variable("Q1", codes["Q1"], scale="ordinal", scale_order=[1, 3, 2], cut=3),
            variable("Q2", codes["Q2"]),
            variable("Q3", codes["Q3"], scale="ordinal"),
        ],
        truth=truth,
        arms=arms,
        fields={"F": field.tolist()},
        weights=rng.gamma(2, 0.5, N),
    )
