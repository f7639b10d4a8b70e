"""Studies prepared from small files, and the problems that preparing finds."""

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import StudyError
from schemas.study import Study
from survey.files import SurveyData, read_survey
from survey.prepare import prepare
from tests.support.survey_files import make_study, write_csv

SOURCE = {"file": "traps.sav", "respondent_id": "ID", "weight": "WT"}


def problems_of(data: SurveyData, **overrides: Any) -> set[tuple[str, str]]:
    """(where, code) of every error."""
    with pytest.raises(StudyError) as error:
        prepare(make_study(**overrides), data)
    return {(p.where, p.code) for p in error.value.problems if p.level == "error"}


def csv_study(folder: Path, text: str, **overrides: Any) -> tuple[Study, SurveyData]:
    """A study of one question and a CSV of these lines."""
    parts = {
        "survey": {"file": "s.csv", "respondent_id": "id"},
        "persona": {"fields": ["age"]},
        "questions": {"q": {"text": "How?", "answers": {1: "A lot", 2: "A little"}}},
        "missing": {},
    }
    return make_study(**(parts | overrides)), read_survey(write_csv(folder / "s.csv", text))
