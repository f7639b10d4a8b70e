"""Which split a respondent falls into: by hash, so that other rows, filters or an order change nothing.

A study that replicates one which drew its splits row by row may draw them so, too: then a respondent has one split a
question, stands in several, and results on the test split are no results on new people.
"""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from schemas.identity import unit_draw
from schemas.study import Split

SplitName = Literal["train", "validation", "test"]
BY_ROW = "row"
"""Stands for the split of a respondent who has one a question."""


def split_of(seed: int, respondent_id: str, test: float, validation: float) -> SplitName:
    """The split of one respondent.

    Test respondents stay test when the validation share changes, and a larger test share keeps the smaller one
    inside it.

    Args:
        seed: of the study.
        respondent_id: normalised id.
        test: share in [0, 1).
        validation: share in [0, 1 - test).
    """
    return _named(unit_draw("split", seed, respondent_id), test, validation)


def row_split(split: Split, respondent_id: str, question_id: str) -> SplitName:
    """The split of one respondent's answer to one question, drawn without regard to their other answers."""
    return _named(unit_draw("split by row", split.seed, respondent_id, question_id), split.test, split.validation)


def splits_for(question_id: str, respondents: pd.DataFrame, split: Split) -> Sequence[str]:
    """The split of every respondent for one question.

    Args:
        question_id: of the study.
        respondents: of a prepared survey.
        split: of the study.
    """
    if split.by == "respondent":
        return [str(split) for split in respondents["split"]]
    return [row_split(split, str(who), question_id) for who in respondents["respondent_id"]]


def _named(draw: float, test: float, validation: float) -> SplitName:
    if draw < test:
        return "test"
    return "validation" if draw < test + validation else "train"
