"""Checks of a split by row: what it means is said every time, and what cannot go with it is refused."""

from collections.abc import Iterator

from schemas.errors import Problem
from schemas.study import Study
from schemas.yaml_source import Source


def split_problems(study: Study, source: Source) -> Iterator[Problem]:
    """What a reader must know of a split by row."""
    if study.split.by == "respondent":
        return
    what = (
        f"the split is by row, as in {study.split.replicates}: a respondent stands in training and in test with "
        "different questions, and results on test rows are no results on new people."
    )
    yield Problem(what, source.where("split.by"), "`by: respondent` holds people out.", "warning", "split_by_row")
    for name, arm in study.arms.items():
        if arm.memory:
            what = f"the arm {name} asks with memory, and a group of questions has no one split by row."
            yield Problem(what, source.where(f"arms.{name}.memory"), "Use `by: respondent`.", code="memory_by_row")
