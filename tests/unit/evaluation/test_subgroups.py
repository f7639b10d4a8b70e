import numpy as np
import pytest

from evaluation.job import evaluate_run
from tests.support.runs_folder import NO_ANSWER, ArmRows, RunFolder, variable

N = 900
RNG = np.random.default_rng(11)
SEX = RNG.integers(1, 3, N)
REGION = np.where(np.arange(N) < 20, 9, RNG.integers(1, 4, N))
AGE = [None if i % 10 == 0 else int(1 + i % 2) for i in range(N)]
TRUTH = np.where(RNG.random(N) < 0.05, NO_ANSWER, np.where(RNG.random(N) < 0.3 * SEX, 1, RNG.integers(1, 4, N)))
WEIGHT = RNG.random(N) + 0.3
ANSWER = np.where(RNG.random(N) < 0.6, np.maximum(TRUTH, 1), RNG.integers(1, 4, N))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = RunFolder(
        questions=[variable("Q", [1, 2, 3], scale="ordinal")],
        truth={"Q": TRUTH},
        arms={"a": {"Q": ArmRows(ANSWER)}, "one": {"Q": ArmRows(np.ones(N, int))}},
        fields={"SEX": SEX.tolist()},
        weights=WEIGHT,
        groups={"REGION": REGION.tolist(), "AGE": AGE},
        evaluate={"intersections": [["REGION", "AGE"]], "minimum_cell": 150},
    )
    return evaluate_run(folder.write(tmp_path_factory.mktemp("store")), "run-1").rows


def pick(rows, metric, subgroup=None, *, arm="a", weighted=True, level=None):
    found = [
        r
        for r in rows
        if (r.metric, r.arm, r.weighted, r.question_id) == (metric, arm, weighted, "Q")
        and (subgroup is None or dict(r.subgroup or ()) == subgroup)
        and (level is None or r.level == level)
    ]
    return found[0] if len(found) == 1 else found


def test_group_figures_equal_those_of_the_group_alone(rows):
    inside = (REGION == 2) & (TRUTH != NO_ANSWER)

    row = pick(rows, "accuracy", {"REGION": 2})

    assert row.value == pytest.approx(np.average(TRUTH[inside] == ANSWER[inside], weights=WEIGHT[inside]))
    assert row.n == inside.sum()
    assert row.interval.low < row.value < row.interval.high
    majority = max(np.average(TRUTH[inside] == k, weights=WEIGHT[inside]) for k in (1, 2, 3))
    assert pick(rows, "majority_in_group", {"REGION": 2}).value == pytest.approx(majority)
    tv = sum(
        abs(np.average((TRUTH[inside] == k) * 1.0 - (ANSWER[inside] == k), weights=WEIGHT[inside])) for k in (1, 2, 3)
    )
    assert pick(rows, "tv", {"REGION": 2}).value == pytest.approx(tv / 2)


def test_group_below_thirty_is_suppressed_with_its_size(rows):
    row = pick(rows, "accuracy", {"REGION": 9})

    assert (row.value, row.n, row.interval) == (None, None, None)
    assert "suppressed" in row.reason
    assert pick(rows, "tv", {"REGION": 9}) == []


def test_missing_is_a_row_and_no_end_of_a_gap(rows):
    values = [pick(rows, "accuracy", {"AGE": code}).value for code in (1, 2)]

    assert pick(rows, "accuracy", {"AGE": None}).value is not None
    assert pick(rows, "accuracy_gap", level="AGE").value == pytest.approx(max(values) - min(values))


def test_groups_under_the_minimum_are_marked_and_not_ranked(rows):
    crossed = [r for r in rows if r.metric == "accuracy" and r.arm == "a" and len(r.subgroup or ()) == 2 and r.weighted]

    marked = [r for r in crossed if r.n is not None and r.n < 150]
    assert marked
    assert all(r.flags == ("SMALL_CELL",) for r in marked)
    assert pick(rows, "accuracy_gap", level="REGION x AGE").reason is not None


def test_constant_shows_no_gap_once_the_majority_is_subtracted(rows):
    raw, above = (
        pick(rows, m, arm="one", level="REGION").value for m in ("accuracy_gap", "accuracy_gap_over_majority")
    )

    assert raw > 0
    assert above == pytest.approx(0)


def test_worst_group_is_named(rows):
    row = pick(rows, "worst_accuracy", level="REGION")

    assert row.value == min(pick(rows, "accuracy", {"REGION": code}).value for code in (1, 2, 3))
    assert dict(row.subgroup)["REGION"] in (1, 2, 3)


def test_holm_runs_over_all_groups_and_arms_shown(rows):
    plain = [r.value for r in rows if r.metric == "group_p"]
    adjusted = [r.value for r in rows if r.metric == "group_p_holm"]

    assert len(plain) == len(adjusted) > 10
    assert min(adjusted) == pytest.approx(min(1, len(plain) * min(plain)))
