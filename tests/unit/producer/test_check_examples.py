import shutil
from pathlib import Path

import pytest

from producer.check import check

EXAMPLES = Path(__file__).parents[3] / "examples"


def told(checked):
    """Errors and warnings, but for the count of unique personas: ages and texts make most people unique."""
    return [str(p) for p in checked.problems if p.level != "note" and p.code != "personas_unique"]


@pytest.mark.parametrize(("name", "n_respondents"), [("anes96", 944), ("reviews", 200)])
def test_shipped_study_has_no_error_and_no_warning_but_unique_personas(name, n_respondents):
    checked = check(EXAMPLES / name / "study.yaml", None, environ={})

    assert told(checked) == []
    assert len(checked.prepared.respondents) == n_respondents


def test_npors_study_has_no_error_and_no_warning_but_unique_personas(tmp_path, npors_sav):
    folder = shutil.copytree(EXAMPLES / "npors2024", tmp_path / "npors2024")
    (folder / "NPORS_2024_for_public_release.sav").symlink_to(npors_sav)

    checked = check(folder / "study.yaml", None, environ={})

    assert told(checked) == []
    assert len(checked.prepared.respondents) == 5626
    questions = checked.prepared.codebook.questions.values()
    assert all(99 not in question.codes for question in questions)
    assert checked.prepared.codebook.questions["MOREGUNIMPACT"].scale_order == [1, 3, 2]
    assert checked.prepared.codebook.fields["METRO"].labels[1] == "Metropolitan"


def test_npors_study_without_pew_s_file_says_which_file_is_missing(tmp_path):
    folder = shutil.copytree(EXAMPLES / "npors2024", tmp_path / "npors2024", ignore=shutil.ignore_patterns("*.sav"))

    errors = check(folder / "study.yaml", None, environ={}).errors

    assert [p.where for p in errors] == ["study.yaml:5 (survey.file)"]
    assert "NPORS_2024_for_public_release.sav" in str(errors[0])
