"""Checks of the labels that a study gives to answers; labels of the file are checked where it is prepared."""

from collections.abc import Iterator

from schemas.errors import Problem
from schemas.study import MissingRule, Study
from schemas.yaml_source import Source
from survey.codes.missing_labels import missing_kind
from survey.drafting.study_draft import placeholder
from survey.files import SurveyData


def question_problems(study: Study, source: Source, data: SurveyData | None) -> Iterator[Problem]:
    """Answers of the study that read like a missing answer, and that no rule keeps; wordings still to be written."""
    unwritten = [name for name, question in study.questions.items() if question.text == placeholder(name)]
    if unwritten:
        more = f" and {len(unwritten) - 1} more" if len(unwritten) > 1 else ""
        what = f"The model would be asked '{placeholder(unwritten[0])}'{more}: the draft has no wording."
        where = source.where(f"questions.{unwritten[0]}.text")
        yield Problem(what, where, "Write `text` as it was asked.", "warning", "wording_unwritten")
    for name, question in study.questions.items():
        of_file = data.variables[name].labels if data is not None and name in data.variables else {}
        given = question.answers if question.answers is not None else {}
        for code, label in given.items():
            kind = missing_kind(label)
            if kind is None or code in of_file or _is_kept(study, name, code):
                continue
            what = f"{name}: the answer {code} '{label}' reads like {_WORDS[kind]}."
            hint = (
                f"Write {code} under missing.{name}.{kind} and take it out of `answers`, "
                f"or under missing.{name}.keep if it is an answer."
            )
            yield Problem(what, source.where(f"questions.{name}.answers.{code}"), hint, code="missing_label_in_answers")


_WORDS = {
    "refused": "a refusal",
    "dont_know": "a don't know",
    "not_asked": "a question that was not asked",
    "file_missing": "a missing value",
}


def _is_kept(study: Study, name: str, code: int) -> bool:
    return code in study.missing.get(name, MissingRule()).keep
