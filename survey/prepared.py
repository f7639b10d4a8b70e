"""What preparing a survey for a study gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.codebook import Codebook
from schemas.errors import Problem

StatusArray = npt.NDArray[Any]
"""Words, as text or as objects."""


@dataclass(frozen=True)
class Answers:
    """What respondents answered to one question, or what is known of them in one field.

    Attributes:
        codes: shape (respondents,), Int32; null unless answered.
        status: shape (respondents,): answered, refused, dont_know, not_asked or file_missing.
        several: codes ticked, in codebook order, None unless answered; None as a whole but for several-code questions.
        numbers: NaN unless answered; None but for numeric questions.
        texts: None unless answered; None as a whole but for open questions.
        forms: code of the form each respondent got, None where unknown; None as a whole without a split ballot.
    """

    codes: pd.arrays.IntegerArray
    status: StatusArray
    several: tuple[tuple[int, ...] | None, ...] | None = None
    numbers: npt.NDArray[np.float64] | None = None
    texts: tuple[str | None, ...] | None = None
    forms: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Prepared:
    """A survey as one study sees it.

    Attributes:
        respondents: index 0..n-1 in file order after the filter. Columns respondent_id (str), weight (float64;
            1.0 without a weight variable), strata and cluster (str, null if none), split (train, validation,
            test), then a nullable Int32 column of codes per persona field and `match` variable.
        codebook: questions and those fields.
        answers: question id -> answers, rows as in `respondents`.
        routes: arm with a route -> number of the step that each respondent takes.
        notes: what is worth knowing and stops nothing; level warning or note.
    """

    respondents: pd.DataFrame
    codebook: Codebook
    answers: dict[str, Answers]
    notes: tuple[Problem, ...] = field(default=())
    routes: Mapping[str, Sequence[int]] = field(default_factory=dict)
