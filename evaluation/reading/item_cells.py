"""Select-all questions of one task as binary items, one cell an item: `PETS[2]` is item 2 of PETS."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from evaluation.arrays import BoolArray
from evaluation.reading.cells import ABSENT, Cell
from evaluation.reading.scale import Scale
from schemas.codebook import CodedVariable

YES, NO = 1, 0
ITEM = Scale((YES, NO), (YES, NO), ordinal=False)
LABELS = {YES: "ticked", NO: "not ticked"}


def item_name(question: str, code: int) -> str:
    """Question id of one item in all figures."""
    return f"{question}[{code}]"


def item_texts(variable: CodedVariable) -> dict[str, str]:
    """Wording of every item."""
    return {item_name(variable.name, c): f"{variable.text} {variable.labels.get(c, c)}" for c in variable.codes}


def item_cells(whole: Cell, codes: list[int], truth: BoolArray, answer: BoolArray, told: BoolArray) -> Iterator[Cell]:
    """One cell an item.

    Args:
        whole: the question's cell; `answer` is 0 where answered, else ABSENT.
        codes: of the items.
        truth: whether each item is ticked, shape (n, K).
        answer: likewise, as predicted.
        told: human answers there are.
    """
    answered = whole.answer != ABSENT
    for k, code in enumerate(codes):
        yield replace(
            whole,
            question_id=item_name(whole.question_id, code),
            scale=ITEM,
            truth=np.where(told, np.where(truth[:, k], 0, 1), ABSENT),
            answer=np.where(answered, np.where(answer[:, k], 0, 1), ABSENT),
        )
