"""A run's answers back in the survey file they were made for."""

from pathlib import Path

import numpy as np

from evaluation.arrays import BoolArray, IntArray
from evaluation.measures.calibration import is_derived
from evaluation.reading.cells import ABSENT, RunData
from evaluation.reading.item_cells import LABELS, item_texts
from evaluation.reading.load import load_run
from schemas.codebook import Codebook, CodedVariable
from schemas.errors import UserInputError
from storage.runs import load_codebook, load_manifest
from storage.store import Store
from survey.export import Exported, SyntheticColumn, write_survey
from survey.respondents import respondent_ids
from survey.study_survey import whole_survey


def export_survey(store: Store, run_id: str, survey: Path, path: Path) -> Exported:
    """Write the survey with one new variable a question and arm.

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
    """Valid answers of every question and arm, the first repeat of each respondent.

    A select-all question of one task gives a variable an item, 1 where it is ticked; a numeric one gives numbers.
    """
    asked = dict(codebook.questions)
    for variable in codebook.questions.values():
        if variable.kind == "several":
            asked |= _items(variable)
    columns = []
    for (question, arm), cell in run.cells.items():
        if is_derived(arm):
            continue
        rows = _first(cell.respondent, cell.answer != ABSENT)
        codes = {run.respondent_ids[cell.respondent[r]]: cell.scale.codes[cell.answer[r]] for r in rows}
        columns.append(SyntheticColumn(asked[question], arm, codes))
    for (question, arm), numbers in run.numeric.items():
        rows = _first(numbers.respondent, np.isfinite(numbers.answer))
        given = {run.respondent_ids[numbers.respondent[r]]: float(numbers.answer[r]) for r in rows}
        columns.append(SyntheticColumn(asked[question], arm, given))
    return columns


def _first(respondent: IntArray, has_answer: BoolArray) -> IntArray:
    """Rows of each respondent's first repeat that hold an answer."""
    _, first = np.unique(respondent, return_index=True)
    rows: IntArray = first[has_answer[first]]
    return rows


def _items(several: CodedVariable) -> dict[str, CodedVariable]:
    """Items of a select-all question, by their name in the figures; `PETS[2]` becomes the variable PETS_2."""
    found = {}
    for code, (name, text) in zip(several.codes, item_texts(several).items(), strict=True):
        labels = {"codes": list(LABELS), "labels": LABELS, "kind": "single"}
        found[name] = several.model_copy(update={**labels, "name": f"{several.name}_{code}", "text": text})
    return found
