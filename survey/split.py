"""Which split a respondent falls into: by hash, so that other rows, filters or an order change nothing."""

from typing import Literal

from schemas.identity import unit_draw

SplitName = Literal["train", "validation", "test"]


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
    draw = unit_draw("split", seed, respondent_id)
    if draw < test:
        return "test"
    return "validation" if draw < test + validation else "train"
