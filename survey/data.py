"""What a survey file holds, the same for every format."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from survey.formats.tagged_missing import is_tagged

Code = int | float | str
"""A raw value of a variable: what stands in the file, before any meaning."""

VariableKind = Literal["labelled", "numeric", "text", "date"]


@dataclass(frozen=True)
class Variable:
    """One variable as the file describes it.

    Attributes:
        name: as in the file.
        label: question text or description without a leading `NAME. `; "" if the file has none.
        labels: code -> label in file order; empty if the file has none.
        kind: `labelled` if most distinct values have a label; a column with a few labelled codes inside a
            range of plain numbers (AGE with 98 = "98+") is `numeric` and keeps these labels.
        declared_missing: closed ranges of codes that the file itself declares user-missing.
        declared_missing_texts: the same for text values.
        measure: nominal, ordinal, scale or unknown.
    """

    name: str
    label: str = ""
    labels: dict[Code, str] = field(default_factory=dict)
    kind: VariableKind = "numeric"
    declared_missing: list[tuple[float, float]] = field(default_factory=list)
    measure: str = "unknown"
    declared_missing_texts: list[str] = field(default_factory=list)

    def is_declared_missing(self, code: Code) -> bool:
        """The file declares this code user-missing; a lettered missing value always is one."""
        if is_tagged(code) and self.kind not in {"text", "date"}:
            return True
        if isinstance(code, str):
            return code in self.declared_missing_texts
        return any(low <= code <= high for low, high in self.declared_missing)


@dataclass(frozen=True)
class SurveyData:
    """A survey file in memory.

    Attributes:
        frame: raw codes, one row per respondent in file order, index 0..n-1; only the columns that were asked for,
            while `variables` describes all. Columns are `Int64` where every
            number is whole, else `Float64`; text and dates (`YYYYMMDD`) are `str`. Null is a blank cell.
        variables: name -> description, in file order.
        warnings: what reading had to decide, one sentence each.
        sha256: of the file's bytes, hex.
        path: of the file.
    """

    frame: pd.DataFrame
    variables: dict[str, Variable]
    warnings: list[str]
    sha256: str
    path: Path


class ReadTable(NamedTuple):
    """What a reader of one format gives: columns, descriptions, and what it had to decide."""

    frame: pd.DataFrame
    variables: dict[str, Variable]
    warnings: list[str]
