"""Tuning: which respondents the model of an arm has been trained on, where a list of ids says so."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from evaluation.arrays import IntArray
from evaluation.reading.cells import RunData
from schemas.errors import UserInputError


def with_tuning(run: RunData, tuned_on: Mapping[str, Collection[str]]) -> RunData:
    """The run with these respondents marked as in sample for these arms; ids that are not in the run are ignored.

    Raises:
        UserInputError: there is no such arm.
    """
    if not tuned_on:
        return run
    unknown = [arm for arm in tuned_on if arm not in run.arms]
    if unknown:
        raise UserInputError(f"the run has no arm {unknown[0]}.", hint=f"Arms: {', '.join(run.arms)}.")
    seen = {arm: _indexes(run, ids) for arm, ids in tuned_on.items()}
    cells = dict(run.cells)
    for (question, arm), cell in run.cells.items():
        if arm in seen:
            in_sample = cell.in_sample | np.isin(cell.respondent, seen[arm])
            cells[(question, arm)] = replace(cell, in_sample=in_sample)
    return replace(run, cells=cells, trained_on=seen)


def _indexes(run: RunData, ids: Collection[str]) -> IntArray:
    wanted = set(ids)
    return np.array([i for i, one in enumerate(run.respondent_ids) if one in wanted], dtype=np.int64)
