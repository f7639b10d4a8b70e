from dataclasses import replace

import numpy as np

from evaluation.reading.cells import ABSENT, STATUSES
from evaluation.reading.coverage import HUMAN_COUNTS, MODEL_COUNTS, coverage_figures
from tests.support.cells import cell_of, nominal


def test_model_counts_are_of_eligible_tasks_and_add_up_to_them():
    cell = cell_of([0, 1, ABSENT, ABSENT, 1, 0], [0, ABSENT, ABSENT, 1, ABSENT, ABSENT], nominal(2))
    names = ["answered", "unparsed", "unparsed", "answered", "failed", "pending"]
    cell = replace(cell, status=np.array([STATUSES.index(name) for name in names]))

    counts = {found.metric: found.value for found in coverage_figures(cell)}

    assert (counts["n_total"], counts["n_eligible"], counts["n_human_refused"]) == (6, 4, 2)
    assert (counts["n_unparsed"], counts["n_failed"], counts["n_pending"]) == (1, 1, 1)
    assert counts["n_valid"] + sum(counts[name] for name in MODEL_COUNTS) == counts["n_eligible"]


def test_human_counts_and_eligible_add_up_to_all_tasks_with_own_words_that_fit_no_code():
    cell = cell_of([0, 1, ABSENT, ABSENT, 1, ABSENT], [0, 1, 0, 0, 1, 0], nominal(2))
    status = cell.truth_status.copy()
    status[2] = 0  # answered in own words, no code
    cell = replace(cell, truth_status=status)

    counts = {found.metric: found.value for found in coverage_figures(cell)}

    assert counts["n_human_uncoded"] == 1
    assert counts["n_eligible"] + sum(counts[name] for name in HUMAN_COUNTS) == counts["n_total"]
