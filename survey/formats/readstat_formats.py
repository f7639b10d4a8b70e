"""The formats of SPSS, Stata and SAS, and what is special about each."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
from pyreadstat._readstat_parser import parser_entry_point

from schemas.errors import SurveyFileError
from survey.data import ReadTable
from survey.formats.readstat_file import READER_ERRORS, ReadstatFormat, read_readstat

Labels = dict[str, dict[Any, str]]

_FROM_SPSS = "Open it in SPSS or PSPP and save it as .sav again, or export it as .csv."
_FROM_STATA = "Open it in Stata and save it again, with `saveold` if it is older, or export it as .csv."
_FROM_SAS = "Save it again in SAS, or export it as .csv."


def read_sav(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """An SPSS file, .sav or .zsav; see `read_readstat`."""
    return read_readstat(path, keep, ReadstatFormat("SPSS", pyreadstat.read_sav, _FROM_SPSS))


def read_por(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """A portable file of SPSS; see `read_readstat`."""
    form = ReadstatFormat("SPSS portable", _por, _FROM_SPSS, has_encoding=False)
    return read_readstat(path, keep, form)


def read_dta(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """A Stata file; lettered missing values are codes `.a` to `.z`. See `read_readstat`."""
    return read_readstat(path, keep, ReadstatFormat("Stata", pyreadstat.read_dta, _FROM_STATA))


def read_sas(path: Path, keep: Collection[str] | None = None) -> ReadTable:
    """A SAS file with the labels of the .sas7bcat of the same name beside it; see `read_readstat`."""
    return read_readstat(path, keep, ReadstatFormat("SAS", pyreadstat.read_sas7bdat, _FROM_SAS, labels=_catalogued))


def _por(path: str, *, user_missing: bool, **options: Any) -> tuple[pd.DataFrame, Any]:  # noqa: ANN401 - passed on
    """As `pyreadstat.read_por`, which has no `user_missing`: declared missing values would become blanks."""
    read: tuple[pd.DataFrame, Any] = parser_entry_point(path, parser_format="por", user_missing=user_missing, **options)
    return read


def catalogue_of(path: Path) -> Path | None:
    """The .sas7bcat of the same name beside a SAS file, in any case of letters."""
    names = sorted(p for p in path.parent.iterdir() if p.stem.lower() == path.stem.lower())
    return next((p for p in names if p.suffix.lower() == ".sas7bcat"), None)


def _catalogued(path: Path, meta: Any) -> tuple[Labels, list[str]]:  # noqa: ANN401 - the reader's untyped metadata
    catalogue = catalogue_of(path)
    formats: dict[str, str] = meta.variable_to_label
    if catalogue is None:
        named = sorted(formats)
        note = f"There is no {path.stem}.sas7bcat beside the file: its {len(named)} coded variables have no labels."
        return {}, [note] if named else []
    try:
        _, found = pyreadstat.read_sas7bcat(str(catalogue))
    except READER_ERRORS as e:
        hint = "Write it again with PROC FORMAT, or take it away and give the labels in the study."
        raise SurveyFileError("The SAS catalogue cannot be read.", where=str(catalogue), hint=hint) from e
    return {name: found.value_labels[form] for name, form in formats.items() if form in found.value_labels}, []
