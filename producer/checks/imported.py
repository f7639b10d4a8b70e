"""Checks of arms that bring earlier predictions from a CSV."""

from collections.abc import Iterator
from pathlib import Path

from producer.checks.arms import questions_of
from producer.imports import read_import
from schemas.errors import Problem, StudyError
from schemas.study import Study
from schemas.yaml_source import Source


def import_problems(study: Study, source: Source, folder: Path) -> Iterator[Problem]:
    """What is wrong with import files; their paths are relative to `folder`, where the study stands."""
    for name, arm in study.arms.items():
        if arm.imported is None:
            continue
        try:
            read_import(
                folder / arm.imported,
                id_column=study.survey.respondent_id,
                questions=questions_of(arm, study),
                suffix=arm.suffix,
                required=arm.questions is not None,
            )
        except StudyError as e:
            where = source.where(f"arms.{name}.import")
            yield from (Problem(p.what, where, p.hint, p.level, "import_file") for p in e.problems)
