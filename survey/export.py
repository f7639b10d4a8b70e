"""Back to SPSS and Stata: the survey file with synthetic answers as new labelled variables beside the humans'."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyreadstat

from schemas.codebook import CodedVariable
from schemas.errors import UserInputError
from survey.data import SurveyData, Variable
from survey.export_names import LONGEST_NAME, fitting_names, new_name
from survey.formats.tagged_missing import NUMBER_OF, is_tagged

SYNTHETIC = "model-generated, not measured opinion"


@dataclass(frozen=True)
class SyntheticColumn:
    """Answers of one arm to one question.

    Attributes:
        question: as in the codebook, which gives the labels.
        arm: makes the variable's name, with the question's.
        codes: respondent id -> code, or number of a numeric question; respondents without a valid answer are absent.
    """

    question: CodedVariable
    arm: str
    codes: Mapping[str, int] | Mapping[str, float]


class Exported(NamedTuple):
    """Variables of a written file: new ones in the order of the columns; those of the survey that got a plain name."""

    added: list[str]
    renamed: dict[str, str]


def write_survey(path: Path, data: SurveyData, ids: "pd.Series[str]", columns: list[SyntheticColumn]) -> Exported:
    """Write all rows and variables of the survey file, and the synthetic ones after them.

    A name that the format does not bear is written plainly, and stands in the variable's label.

    Args:
        path: ending in .sav or .dta.
        data: as read from the survey file.
        ids: respondent id of each row, as the run spells it.
        columns: synthetic answers.

    Raises:
        UserInputError: another ending, or the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in LONGEST_NAME:
        raise UserInputError(f"{path.suffix} is no format to export to.", where=str(path), hint="Use .sav or .dta.")
    own = fitting_names(data.variables, kind)
    data = _renamed(data, own)
    names = new_names(data.variables, columns, kind)
    frame = pd.DataFrame({name: _raw(data.frame[name], letters=kind == "dta") for name in data.variables})
    added = {name: _synthetic(ids, column) for name, column in zip(names, columns, strict=True)}
    frame = pd.concat([frame, pd.DataFrame(added, index=frame.index)], axis=1)
    labels: dict[str, dict[Any, str]] = {n: _labels(v, kind) for n, v in data.variables.items() if v.labels}
    labels |= {name: dict(c.question.labels) for name, c in zip(names, columns, strict=True)}
    texts: list[str | None] = [*(v.label for v in data.variables.values()), *(_text(c) for c in columns)]
    try:
        _write(path, kind, frame, texts, labels, data.variables)
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the export cannot be written: {reason}.", where=str(path)) from e
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as e:
        hint = "`--format csv` or parquet writes the rows without the survey."
        raise UserInputError(f"the export cannot be written: {str(e).rstrip('.')}.", where=str(path), hint=hint) from e
    return Exported(names, {name: plain for name, plain in own.items() if name != plain})


def _renamed(data: SurveyData, names: Mapping[str, str]) -> SurveyData:
    """The survey under names that can be written; the old name goes before the label."""
    variables = {
        new: v if new == old else replace(v, name=new, label=f"{old}: {v.label}" if v.label else old)
        for (old, new), v in zip(names.items(), data.variables.values(), strict=True)
    }
    return replace(data, variables=variables, frame=data.frame.rename(columns=dict(names)))


def new_names(taken: Collection[str], columns: Sequence[SyntheticColumn], kind: str) -> list[str]:
    """A name for each column that the format bears and that is not taken, by whatever case."""
    used = {name.casefold() for name in taken}
    names = []
    for column in columns:
        names.append(new_name(column.question.name, column.arm, used, kind))
        used.add(names[-1].casefold())
    return names


def _write(
    path: Path,
    kind: str,
    frame: pd.DataFrame,
    texts: list[str | None],
    labels: Mapping[str, Mapping[Any, str]],
    variables: Mapping[str, Variable],
) -> None:
    if kind == "sav":
        measures = {name: v.measure for name, v in variables.items() if v.measure in ("nominal", "ordinal", "scale")}
        pyreadstat.write_sav(
            frame,
            str(path),
            column_labels=texts,
            variable_value_labels={name: dict(one) for name, one in labels.items()},
            missing_ranges=_missing(variables),
            variable_measure=measures | {n: "nominal" for n in frame.columns if n not in variables},
        )
        return
    whole = {name: one for name, one in labels.items() if all(isinstance(c, int) or len(c) == 1 for c in one)}
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels=[None if text is None else text[:80] for text in texts],
        variable_value_labels={name: dict(one) for name, one in whole.items()},
        missing_user_values=_letters(frame, variables),
    )


def _missing(variables: Mapping[str, Variable]) -> dict[str, list[Any]]:
    """Missing values that the file declares, kept as it declares them."""
    found: dict[str, list[Any]] = {}
    for name, variable in variables.items():
        ranges: list[Any] = [low if low == high else {"lo": low, "hi": high} for low, high in variable.declared_missing]
        ranges += variable.declared_missing_texts
        if ranges:
            found[name] = ranges
    return found


def _raw(column: "pd.Series[Any]", *, letters: bool) -> "pd.Series[Any]":
    """Numbers as float with NaN for blank, text as str with "" for blank: what the writers take.

    Lettered missing values are letters for Stata, and blank in SPSS, which has none.
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return column.fillna("").astype(object)
    numbers = pd.Series(column.to_numpy("float64", na_value=np.nan), index=column.index)
    is_letter = numbers.isin(list(NUMBER_OF.values()))
    if not is_letter.any():
        return numbers
    blank = numbers.mask(is_letter)
    if not letters:
        return blank
    return blank.astype(object).mask(is_letter, numbers.map({n: c[1:] for c, n in NUMBER_OF.items()}))


def _labels(variable: Variable, kind: str) -> dict[Any, str]:
    """Labels as the writer of a format takes them: letters without their dot, or not at all."""
    found: dict[Any, str] = {}
    for code, label in variable.labels.items():
        if not is_tagged(code) or variable.kind == "text":
            found[code] = label
        elif kind == "dta":
            found[str(code)[1:]] = label
    return found


def _letters(frame: pd.DataFrame, variables: Mapping[str, Variable]) -> dict[str, list[str]]:
    """Variable -> letters that stand for missing values in it."""
    numeric = [name for name, v in variables.items() if v.kind not in {"text", "date"}]
    found = {name: sorted({x for x in frame[name] if isinstance(x, str)}) for name in numeric}
    return {name: letters for name, letters in found.items() if letters}


def _synthetic(ids: "pd.Series[str]", column: SyntheticColumn) -> "pd.Series[float]":
    return ids.map(lambda one: column.codes.get(str(one), np.nan)).astype("float64")


def _text(column: SyntheticColumn) -> str:
    return f"{column.question.text} [{column.arm}: {SYNTHETIC}]".strip()
