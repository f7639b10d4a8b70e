"""Exports of Qualtrics: three header rows (names, question texts, import ids) above the answers.

Source: Qualtrics support, "Understanding Your Dataset", on the layout of CSV, TSV and Excel exports.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

_IMPORT_ID = '{"ImportId"'
_STATUS = "Status"
_TRIALS = frozenset({"Survey Preview", "Survey Test", "Spam"})
_TRIAL_NUMBERS = frozenset({1, 2, 4, 8, 9, 12, 17})
"""The same in exports with numbers: preview, test, imported preview, spam and their combinations."""


def has_three_headers(third_row: Sequence[str]) -> bool:
    """The row under the question texts holds import ids, which nobody's answers look like."""
    present = [cell for cell in third_row if cell.strip()]
    return bool(present) and all(cell.lstrip().startswith(_IMPORT_ID) for cell in present)


def label_of(name: str, text: str) -> str:
    """A variable's label: the question text, its part for one option behind ` / `; "" if it says no more than the name.

    `Which apply? - Selected Choice - Radio` becomes `Which apply? / Radio`, as multiple-response files of SPSS say it.
    """
    text = " ".join(text.split())
    stem, mark, option = text.partition(" - Selected Choice")
    if mark:
        option = option.removeprefix(" - ").strip()
        text = f"{stem} / {option}" if option else stem
    return "" if text == name else text


def trial_warning(columns: Mapping[str, "pd.Series[Any]"]) -> list[str]:
    """A sentence on rows that are previews, tests or spam, if there are any."""
    status = columns.get(_STATUS)
    if status is None:
        return []
    n_trials = int(status.isin(_TRIAL_NUMBERS if pd.api.types.is_numeric_dtype(status.dtype) else _TRIALS).sum())
    if not n_trials:
        return []
    return [f"{n_trials} rows are previews, tests or spam by their {_STATUS}; leave them out with `filter`."]
