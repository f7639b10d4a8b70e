"""A run's answers back in the survey file they were made for."""

from pathlib import Path

import numpy as np

from evaluation.calibration import is_derived
from evaluation.cells import ABSENT, RunData
from evaluation.load import load_run
from schemas.codebook import Codebook
from schemas.errors import UserInputError
from storage.runs import load_codebook, load_manifest
from storage.store import Store
from survey.export import SyntheticColumn, write_survey
from survey.respondents import respondent_ids
from survey.study_survey import whole_survey


def export_survey(store: Store, run_id: str, survey: Path, path: Path) -> list[str]:
    """Write the survey with one new variable a question and arm; returns their names.

    Args:
        store: where the run is.
        run_id: of the run.
        survey: the survey file that the run was made from; the folder if there were several.
        path: ending in .sav or .dta.

    Raises:
        UserInputError: another survey file than the run's, no predictions, or `path` cannot be written.
        SurveyFileError: the survey file cannot be read.
    """
    manifest = load_manifest(store, run_id)
    data = whole_survey(manifest.study.survey, survey)
    known = manifest.hashes.get("survey")
    if known is not None and known != data.sha256:
        raise UserInputError("this is not the survey file that the run was made from.", where=str(survey))
    run = load_run(store, run_id)
    ids = respondent_ids(data.frame[manifest.study.survey.respondent_id])
    return write_survey(path, data, ids, synthetic_columns(run, load_codebook(store, run_id)))


def synthetic_columns(run: RunData, codebook: Codebook) -> list[SyntheticColumn]:
    """Valid answers of every question and arm, the first repeat of each respondent."""
    columns = []
    for (question, arm), cell in run.cells.items():
        if is_derived(arm):
            continue
        _, first = np.unique(cell.respondent, return_index=True)
        rows = first[cell.answer[first] != ABSENT]
        codes = {run.respondent_ids[cell.respondent[r]]: cell.scale.codes[cell.answer[r]] for r in rows}
        columns.append(SyntheticColumn(codebook.questions[question], arm, codes))
    return columns
