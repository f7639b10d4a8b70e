"""Cells: all predictions of one arm on one question, column by column; and a run made of cells."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.measures.numeric import NumericCell
from evaluation.reading.sampling_design import SamplingDesign
from evaluation.reading.scale import Scale
from evaluation.reading.usage import Usage
from schemas.evaluate import Evaluate

STATUSES = ("answered", "unparsed", "refused", "filtered", "truncated", "failed", "cancelled", "pending")
TRUTH_STATUSES = ("answered", "refused", "dont_know", "not_asked", "file_missing")
SPLITS = ("train", "validation", "test")
ALL = "all"
"""Name of the split that is everyone."""

HELD_OUT = "held_out"
"""Name of the split of respondents whom no arm's model was tuned on."""

ABSENT = -1
"""Position of an answer that is not there."""


@dataclass(frozen=True)
class Cell:
    """Predictions of one arm on one question; every array has one entry a prediction, by respondent.

    Attributes:
        respondent: index into the run's respondents, ascending.
        truth: position of the human code in codebook order, ABSENT unless answered.
        truth_status: index into TRUTH_STATUSES.
        answer: position of the predicted code, ABSENT unless valid.
        status: index into STATUSES.
        weight: survey weight divided by the respondent's repeats.
        unit: 1 divided by the respondent's repeats.
        split: index into SPLITS.
        probabilities: shape (n, K), rows sum to 1, NaN where there are none; None if no row has any.
        covered_mass: of the service's probability, what fell on an option for certain; NaN where unknown.
    """

    arm: str
    question_id: str
    scale: Scale
    respondent: IntArray
    truth: IntArray
    truth_status: IntArray
    answer: IntArray
    status: IntArray
    weight: FloatArray
    unit: FloatArray
    split: IntArray
    in_sample: BoolArray
    simulated: BoolArray
    probabilities: FloatArray | None = None
    covered_mass: FloatArray | None = None

    @property
    def eligible(self) -> BoolArray:
        """Predictions with a human answer to score against."""
        eligible: BoolArray = self.truth != ABSENT
        return eligible

    @property
    def valid(self) -> BoolArray:
        """Eligible predictions that name a code of the codebook."""
        valid: BoolArray = self.eligible & (self.answer != ABSENT)
        return valid

    def mass(self, *, weighted: bool) -> FloatArray:
        """What each prediction counts."""
        return self.weight if weighted else self.unit

    def where(self, mask: BoolArray | IntArray) -> "Cell":
        """The same cell with some of its predictions only: a mask, or rows in the order wanted."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        kept: dict[str, Any] = {n: a[mask] for n, a in arrays.items() if isinstance(a, np.ndarray)}
        return replace(self, **kept)


class Totals(NamedTuple):
    """Rows of predictions.parquet: by status, and those that an emulator answered."""

    by_status: Mapping[str, int]
    n_simulated: int


@dataclass(frozen=True)
class RunData:
    """What the evaluation knows of a run.

    Attributes:
        respondent_ids: sorted; all respondent indexes point into it.
        fields: persona field -> codes per respondent, shape (R,); MISSING_CODE for any kind of missing.
        numeric_fields: persona fields that are quantities, not categories.
        scales: question -> its codes, in codebook order.
        cells: (question, arm) -> cell, questions in codebook order, arms in study order.
        design: strata and clusters of the respondents.
        settings: the study's `evaluate`.
        usage: (question, arm) -> cost, time, tokens and origin of its answers.
        numeric: (question, arm) -> numbers predicted; such questions have no cell in `cells`.
        replicates: study whose split by row this one repeats; None: people are held out whole.
        totals: rows of predictions.parquet by status, and those an emulator answered; None: counted from the cells.
        trained_on: arm -> indexes of the respondents its model was tuned on, where they are known one by one.
        groups: subgroup variables -> codes per respondent, as in `fields`.
        labels: persona field or subgroup variable -> code -> label.
        question_labels: question -> code -> label; `texts` question -> wording.
    """

    run_id: str
    study: str
    n_draws: int
    respondent_ids: list[str]
    fields: Mapping[str, IntArray]
    numeric_fields: frozenset[str]
    scales: Mapping[str, Scale]
    cells: Mapping[tuple[str, str], Cell]
    design: SamplingDesign
    settings: Evaluate
    usage: Mapping[tuple[str, str], Usage] = dataclass_field(default_factory=dict)
    trained_on: Mapping[str, IntArray] = dataclass_field(default_factory=dict)
    groups: Mapping[str, IntArray] = dataclass_field(default_factory=dict)
    rich: Mapping[str, IntArray] = dataclass_field(default_factory=dict)
    labels: Mapping[str, Mapping[int, str]] = dataclass_field(default_factory=dict)
    question_labels: Mapping[str, Mapping[int, str]] = dataclass_field(default_factory=dict)
    texts: Mapping[str, str] = dataclass_field(default_factory=dict)
    numeric: Mapping[tuple[str, str], NumericCell] = dataclass_field(default_factory=dict)
    totals: Totals | None = None
    replicates: str | None = None

    @property
    def arms(self) -> list[str]:
        """Arms that have predictions."""
        return list(dict.fromkeys(arm for _, arm in [*self.cells, *self.numeric]))

    @property
    def questions(self) -> list[str]:
        """Questions that have predictions."""
        return list(dict.fromkeys(question for question, _ in self.cells))

    def count(self, status: str) -> int:
        """Predictions of the whole run in a status."""
        if self.totals is not None:
            return self.totals.by_status.get(status, 0)
        return sum(int((cell.status == STATUSES.index(status)).sum()) for cell in self.cells.values())

    @property
    def n_predictions(self) -> int:
        """Rows of predictions.parquet."""
        if self.totals is not None:
            return sum(self.totals.by_status.values())
        return sum(cell.respondent.size for cell in self.cells.values())

    @property
    def n_simulated(self) -> int:
        """Predictions that an emulator answered."""
        if self.totals is not None:
            return self.totals.n_simulated
        return sum(int(cell.simulated.sum()) for cell in self.cells.values())

    def of_split(self, split: str) -> "RunData":
        """Only the respondents of one split; `all` is everyone."""
        return replace(
            self,
            cells={key: self.part(cell, split) for key, cell in self.cells.items()},
            numeric={key: self.numeric_part(cell, split) for key, cell in self.numeric.items()},
        )

    def numeric_part(self, cell: NumericCell, split: str) -> NumericCell:
        """The same for numbers."""
        mask = self._mask(cell.respondent, cell.split, split)
        return cell if mask is None else cell.where(mask)

    def part(self, cell: Cell, split: str) -> Cell:
        """The rows of a cell, or of a baseline's, that belong to a split."""
        mask = self._mask(cell.respondent, cell.split, split)
        return cell if mask is None else cell.where(mask)

    def _mask(self, respondent: IntArray, splits: IntArray, split: str) -> BoolArray | None:
        """Rows of a split; None for all of them."""
        if split == ALL:
            return None
        mask: BoolArray = ~self.is_tuned_on[respondent] if split == HELD_OUT else splits == SPLITS.index(split)
        return mask

    @cached_property
    def is_tuned_on(self) -> BoolArray:
        """Whether any arm's model was tuned on a respondent, shape (R,)."""
        seen = np.zeros(len(self.respondent_ids), dtype=np.bool_)
        for respondent, in_sample in (
            *((c.respondent, c.in_sample) for c in self.cells.values()),
            *((c.respondent, c.in_sample) for c in self.numeric.values()),
        ):
            seen[respondent[in_sample]] = True
        return seen


MISSING_CODE = np.iinfo(np.int64).min
"""Stands for a null in a persona field; its own level in a model."""
