"""Survey files in: one call for every format we read."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from schemas.errors import SurveyFileError
from survey.csv_file import read_csv
from survey.data import ReadTable, SurveyData, Variable
from survey.parquet_file import read_parquet
from survey.sav_file import read_sav

__all__ = ["SurveyData", "Variable", "read_survey"]

_READERS: dict[str, Callable[[Path], ReadTable]] = {
    ".sav": read_sav,
    ".zsav": read_sav,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def read_survey(path: Path) -> SurveyData:
    """A survey file in memory, every row of it in file order.

    Args:
        path: .sav, .zsav, .csv (with a header line) or .parquet.

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
    sha256 = _sha256(path)
    table = reader(path)
    if len(table.frame) == 0:
        raise SurveyFileError(
            "The survey file holds no respondents.", where=str(path), hint="Export it again with its rows."
        )
    return SurveyData(table.frame, table.variables, table.warnings, sha256, path)


def _sha256(path: Path) -> str:
    try:
        if path.stat().st_size == 0:
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
