"""Surveys that a model may have read about: fielded before the end of its training data."""

from collections.abc import Iterator, Mapping

from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Study
from schemas.yaml_source import Source


def cutoff_problems(study: Study, source: Source, models: Mapping[str, Model]) -> Iterator[Problem]:
    """A warning for each model whose training data end after the first day of the survey.

    Args:
        study: as read; `survey.fielded` is its first day.
        source: where it was written.
        models: those that arms use, by name.
    """
    fielded = study.survey.fielded
    dated = {name: model.cutoff for name, model in models.items() if model.cutoff is not None}
    if dated and fielded is None:
        what = f"{', '.join(dated)} has a training cut-off, and the study does not say when the survey was fielded."
        hint = "Add `fielded: 2024-02-01`, the first day, to see whether the model may have read of the results."
        yield Problem(what, source.where("survey"), hint, "note", "fielded_unknown")
    for name, cutoff in dated.items():
        if fielded is not None and fielded <= cutoff:
            what = f"the survey was fielded from {fielded}, before the training data of {name} end ({cutoff})."
            hint = "Its answers may repeat published results: prefer items fielded later, or say so beside the result."
            yield Problem(what, source.where("survey.fielded"), hint, "warning", "fielded_before_cutoff")
