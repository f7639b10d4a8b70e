"""Texts of others in files that a spreadsheet opens."""

import re

import pandas as pd

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
"""Ids and codes such as -7 are no formulas, and must still match the survey's."""


def safe_for_sheets(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an apostrophe before every text, in whichever column, that could be taken for a formula."""
    safe = frame.copy()
    for name in frame.columns:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name].dtype):
            safe[name] = frame[name].map(_safe, na_action="ignore")
    return safe


def _safe(value: object) -> object:
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}" if value.lstrip(" ").startswith(_DANGEROUS) else value
