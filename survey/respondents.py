"""Who answered: ids, weights, strata, clusters, split."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from schemas.errors import Problem
from schemas.study import Split
from schemas.survey_source import SurveySource
from survey.codes.coding import values_seen, without_missing
from survey.codes.missing import MissingRules
from survey.data import SurveyData
from survey.formats.columns import plain_code
from survey.nearest import did_you_mean
from survey.split import BY_ROW, split_of

DESIGN_COLUMNS = ("respondent_id", "weight", "strata", "cluster", "split")


def unknown_source_variables(source: SurveySource, data: SurveyData) -> list[Problem]:
    """Respondent id, weight, strata and cluster that the file does not have."""
    named = {key: getattr(source, key) for key in ("respondent_id", "weight", "strata", "cluster")}
    return [
        Problem(
            f"{name} is no variable of the survey file.",
            f"survey.{key}",
            did_you_mean(name, data.variables),
            code="unknown_variable",
        )
        for key, name in named.items()
        if name is not None and name not in data.variables
    ]


def respondent_ids(column: "pd.Series[Any]") -> "pd.Series[str]":
    """Ids as text: 100.0 becomes "100"; text loses blanks at both ends and a `.0`."""
    texts = [None if value is None else _id_text(value) for value in _values(column)]
    return pd.Series(texts, dtype="str")


def _id_text(value: object) -> str | None:
    text = str(plain_code(value)).strip()
    whole, dot, rest = text.partition(".")
    if dot and whole.isdigit() and set(rest) <= {"0"}:
        return whole
    return text or None


def id_problems(ids: "pd.Series[str]") -> Iterator[Problem]:
    """Ids that are missing or belong to several rows."""
    n_missing = int(ids.isna().sum())
    if n_missing:
        what = f"{n_missing} of {len(ids)} rows have no respondent id."
        hint = "Every row needs one; number the rows if the file has none."
        yield Problem(what, "survey.respondent_id", hint, code="respondent_id_missing")
    n_repeated = int(ids.dropna().duplicated().sum())
    if n_repeated:
        what = f"{n_repeated} rows have the id of an earlier row."
        hint = "Choose a variable with one distinct value per respondent, or remove the repeated rows."
        yield Problem(what, "survey.respondent_id", hint, code="respondent_id_repeated")


def weights(name: str | None, data: SurveyData, frame: pd.DataFrame, rules: MissingRules) -> npt.NDArray[np.float64]:
    """The weight of every respondent, NaN where missing or no number; 1.0 without a weight variable."""
    if name is None:
        return np.ones(len(frame))
    column = _design_column(name, data, frame, rules)
    numbers = pd.to_numeric(column, errors="coerce").astype("Float64")
    return np.asarray(numbers.to_numpy("float64", na_value=np.nan), dtype=np.float64)


def weight_problems(values: npt.NDArray[np.float64]) -> Iterator[Problem]:
    """Weights that are missing, negative, infinite or zero."""
    where = "survey.weight"
    n_missing, n_negative = int(np.isnan(values).sum()), int((values < 0).sum())
    n_infinite, n_zero = int(np.isinf(values).sum()), int((values == 0).sum())
    counts = {"no weight": n_missing, "a negative weight": n_negative, "an infinite weight": n_infinite}
    for what, n in counts.items():
        if n:
            hint = "Leave them out with `filter`, or name another weight."
            yield Problem(f"{n} of {len(values)} respondents have {what}.", where, hint, code="weight_unusable")
    if len(values) and n_zero == len(values):
        yield Problem("Every weight is 0.", where, "Name another weight.", code="weight_unusable")
    elif n_zero:
        what = f"{n_zero} respondents have the weight 0 and count in unweighted figures only."
        yield Problem(what, where, level="warning", code="weight_zero")


def design_texts(name: str | None, data: SurveyData, frame: pd.DataFrame, rules: MissingRules) -> "pd.Series[str]":
    """Stratum or cluster of every respondent as text, null where missing or not given."""
    if name is None:
        return pd.Series([None] * len(frame), dtype="str")
    column = _design_column(name, data, frame, rules)
    texts = [None if value is None else str(plain_code(value)) for value in _values(column)]
    return pd.Series(texts, dtype="str")


def splits(ids: "pd.Series[str]", split: Split) -> "pd.Series[str]":
    """The split of every respondent; `row` where each of their answers has its own."""
    if split.by == "row":
        return pd.Series([BY_ROW] * len(ids), dtype="str")
    names = [split_of(split.seed, one, split.test, split.validation) for one in ids]
    return pd.Series(names, dtype="str")


def _design_column(name: str, data: SurveyData, frame: pd.DataFrame, rules: MissingRules) -> "pd.Series[Any]":
    variable, column = data.variables[name], frame[name]
    return without_missing(column, rules.own_missing(variable, [*variable.labels, *values_seen(column)]))


def _values(column: "pd.Series[Any]") -> list[object]:
    return list(column.to_numpy(dtype=object, na_value=None))
