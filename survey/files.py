"""Survey files in: one call for every format we read."""

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path

from schemas.errors import SurveyFileError
from storage.named_file import checked_file
from survey.data import ReadTable, SurveyData, Variable
from survey.formats.csv_file import read_csv
from survey.formats.parquet_file import read_parquet
from survey.formats.readstat_formats import catalogue_of, read_dta, read_por, read_sas, read_sav
from survey.formats.xlsx_file import read_xlsx

__all__ = ["READ", "SurveyData", "Variable", "read_survey"]

_READERS: dict[str, Callable[[Path, Collection[str] | None], ReadTable]] = {
    ".sav": read_sav,
    ".zsav": read_sav,
    ".por": read_por,
    ".dta": read_dta,
    ".sas7bdat": read_sas,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".xlsx": read_xlsx,
    ".parquet": read_parquet,
}
READ = tuple(_READERS)
"""Endings of the files that are read."""


def read_survey(path: Path, keep: Collection[str] | None = None) -> SurveyData:
    """A survey file in memory, every row of it in file order.

    Args:
        path: of a type in `READ`.
        keep: names of variables whose columns are wanted, others are described only; None for all columns.

    Raises:
        SurveyFileError: missing, empty, damaged, of another format, or without respondents.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SurveyFileError(
            f"Files of type '{path.suffix}' are not read.",
            where=str(path),
            hint=f"Use one of {', '.join(_READERS)}.",
        )
    sha256 = file_sha256(path)
    table = reader(path, keep)
    if len(table.frame) == 0:
        raise SurveyFileError(
            "The survey file holds no respondents.", where=str(path), hint="Export it again with its rows."
        )
    return SurveyData(table.frame, table.variables, table.warnings, sha256, path)


def file_sha256(path: Path) -> str:
    """The digest of a survey file's bytes, hex; of a SAS file with its catalogue, of both digests.

    Raises:
        SurveyFileError: there is no such file, it is empty, or it may not be read.
    """
    own = _sha256(path)
    catalogue = catalogue_of(path) if path.suffix.lower() == ".sas7bdat" else None
    if catalogue is None:
        return own
    return hashlib.sha256(f"{own} {_sha256(catalogue)}".encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        if checked_file(path).stat().st_size == 0:
            raise SurveyFileError("The survey file is empty.", where=str(path), hint="Copy or download it again.")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as e:
        raise SurveyFileError(
            "There is no such survey file.",
            where=str(path),
            hint="Paths in a study are relative to the study file.",
        ) from e
    except OSError as e:
        raise SurveyFileError(
            f"The survey file cannot be opened: {e.strerror}.",
            where=str(path),
            hint="Check that it is a file and that you may read it.",
        ) from e
