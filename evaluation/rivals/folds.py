"""Folds: five fixed parts of the respondents, by hash of their ids."""

import numpy as np

from evaluation.arrays import IntArray
from schemas.identity import unit_draw

N_FOLDS = 5
FOLD_SEED = 1
"""Fixed: the folds of a respondent are the same in every run and for every question."""


def folds_of(respondent_ids: list[str]) -> IntArray:
    """Fold 0..4 of each respondent, shape (R,)."""
    draws = [unit_draw("baseline-fold", FOLD_SEED, respondent) for respondent in respondent_ids]
    return np.array([int(draw * N_FOLDS) for draw in draws], dtype=np.int64)
