"""Writing a run's answers in other forms."""

from pathlib import Path

from cli.archive import write_archive
from cli.views.sheet_text import safe_for_sheets
from evaluation.reading.load import load_run
from evaluation.reporting.survey_export import export_survey
from evaluation.reporting.toplines import write_toplines
from schemas import run_paths
from schemas.errors import UserInputError
from storage.parts import read_table
from storage.store import Store
from workers.predictions.fresh_predictions import compact_if_needed


def export_run(
    store: Store, run_id: str, path: Path, form: str, survey: Path | None, *, microdata: bool = True
) -> list[str]:
    """Write one form of a run; returns what to tell.

    Raises:
        UserInputError: the survey file is missing where it is needed, the form needs rows of respondents where none
            may be told, or `path` cannot be written.
    """
    compact_if_needed(store, run_id)
    try:
        if not microdata:
            return _without_microdata(store, run_id, path, form)
        return _WRITERS[form](store, run_id, path, survey)
    except OSError as error:
        raise UserInputError(f"the file cannot be written: {error.strerror}.", where=str(path)) from error


def _rows(store: Store, run_id: str, path: Path, _: Path | None) -> list[str]:
    frame = read_table(store, run_paths.predictions(run_id)).to_pandas()
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        safe_for_sheets(frame).to_csv(path, index=False)
    return [f"{len(frame):,} rows: {path}"]


def _survey(store: Store, run_id: str, path: Path, survey: Path | None) -> list[str]:
    if survey is None:
        hint = "Name the file that the study read: --survey FILE."
        raise UserInputError("the survey file is needed to put answers beside it.", where="--survey", hint=hint)
    if path.suffix not in (".sav", ".dta"):
        raise UserInputError("the file must end in .sav or .dta.", where=str(path))
    names, renamed = export_survey(store, run_id, survey, path)
    told = [f"{len(names)} new variables ({', '.join(names[:6])}{', ...' if len(names) > 6 else ''}): {path}"]
    if renamed:
        old, new = next(iter(renamed.items()))
        told.append(f"{len(renamed)} variables have plain names there, as {new}: the labels begin with theirs ({old}).")
    return told


def _toplines(store: Store, run_id: str, path: Path, _: Path | None) -> list[str]:
    if path.suffix != ".xlsx":
        raise UserInputError("toplines are a workbook: the file must end in .xlsx.", where=str(path))
    written = write_toplines(path, load_run(store, run_id))
    return [f"{len(written):,} lines: {path}"]


def _archive(store: Store, run_id: str, path: Path, _: Path | None) -> list[str]:
    return [f"{write_archive(store, run_id, path, microdata=True):,} files: {path}"]


def _without_microdata(store: Store, run_id: str, path: Path, form: str) -> list[str]:
    if form == "toplines":
        return _toplines(store, run_id, path, None)
    if form == "archive":
        return [f"{write_archive(store, run_id, path, microdata=False):,} files, none of respondents: {path}"]
    raise UserInputError(
        f"{form} holds a row for every respondent.", where="--no-microdata", hint="Take --format toplines or archive."
    )


_WRITERS = {"parquet": _rows, "csv": _rows, "sav": _survey, "dta": _survey, "toplines": _toplines, "archive": _archive}
