import numpy as np
import pytest

from evaluation.reading.load import load_run
from evaluation.worth.humans import evaluate_humans
from evaluation.worth.value_rows import value_figures
from schemas.errors import UserInputError
from tests.support.runs_folder import ArmRows, RunFolder, variable

N = 2000
RNG = np.random.default_rng(21)
SEX = RNG.integers(1, 3, N)
TRUTH = np.where(RNG.random(N) < 0.25 * SEX, 1, 2)
ANSWER = np.where(RNG.random(N) < 0.85, TRUTH, 3 - TRUTH)
WEIGHT = RNG.gamma(4, 0.25, N)
IDS = [f"r{i:06d}" for i in range(N)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = RunFolder(
        questions=[variable("Q", [1, 2])],
        truth={"Q": TRUTH},
        arms={"a": {"Q": ArmRows(ANSWER)}, "one": {"Q": ArmRows(np.ones(N, int))}},
        fields={"SEX": SEX.tolist()},
        weights=WEIGHT,
    )
    return folder.write(tmp_path_factory.mktemp("store"))


def write(path, rows, header="ID,Q", more=lambda i: ""):
    path.write_text("\n".join([header, *(f"{IDS[i]},{TRUTH[i]}{more(i)}" for i in rows)]), encoding="utf-8")
    return path


def row(found, arm, metric, level="1"):
    return next(r for r in found.rows if (r.arm, r.metric, r.level) == (arm, metric, level))


def test_predictions_shorten_the_interval_of_a_random_sample(store, tmp_path):
    chosen = RNG.choice(N, 300, replace=False)

    found = evaluate_humans(store, "run-1", write(tmp_path / "l.csv", chosen), srs=True)
    alone, both = row(found, "human", "labelled_share"), row(found, "a", "ppi_share")

    assert alone.value == pytest.approx(np.average(TRUTH[chosen] == 1, weights=WEIGHT[chosen]))
    assert both.interval.high - both.interval.low < 0.85 * (alone.interval.high - alone.interval.low)
    assert both.interval.low < np.average(TRUTH == 1, weights=WEIGHT) < both.interval.high
    assert found.balance == []


def test_constant_arm_adds_nothing(store, tmp_path):
    found = evaluate_humans(store, "run-1", write(tmp_path / "l.csv", range(0, N, 7)), srs=True)

    assert row(found, "one", "ppi_share").value == row(found, "human", "labelled_share").value
    assert row(found, "one", "ppi_share").interval[:2] == row(found, "human", "labelled_share").interval[:2]


def test_unequal_probabilities_are_undone(store, tmp_path):
    chance = np.where(SEX == 1, 0.1, 0.5)
    chosen = np.flatnonzero(RNG.random(N) < chance)
    path = write(tmp_path / "l.csv", chosen, "ID,Q,probability", lambda i: f",{chance[i]}")

    found = evaluate_humans(store, "run-1", path)

    truth = np.average(TRUTH == 1, weights=WEIGHT)
    assert abs(np.average(TRUTH[chosen] == 1, weights=WEIGHT[chosen]) - truth) > 0.04
    for arm, metric in (("human", "labelled_share"), ("a", "ppi_share")):
        interval = row(found, arm, metric).interval
        assert interval.low < truth < interval.high


def test_without_a_declared_chance_the_balance_is_shown_first_where_it_is_worst(store, tmp_path):
    chosen = np.flatnonzero((SEX == 1) | (np.arange(N) % 9 == 0))

    found = evaluate_humans(store, "run-1", write(tmp_path / "l.csv", chosen))

    assert "given the persona" in found.lines[1]
    assert found.balance[0].field == "SEX"
    assert abs(found.balance[0].labelled - found.balance[0].everyone) > 0.3


def test_few_labels_are_suppressed(store, tmp_path):
    found = evaluate_humans(store, "run-1", write(tmp_path / "l.csv", range(20)), srs=True)

    assert row(found, "a", "ppi_share").value is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("X,Q\nr000000,1", "no column ID", id="no-id"),
        pytest.param("ID,R\nr000000,1", "no column of a question", id="no-question"),
        pytest.param("ID,Q\nr000000,7", "no code", id="wrong-code"),
        pytest.param("ID,Q\nr000000,1\nr000000,2", "two rows", id="twice"),
        pytest.param("ID,Q,probability\nr000000,1,1.5", "probability", id="probability"),
        pytest.param("", "no CSV", id="empty"),
    ],
)
def test_bad_file_is_refused_in_words(store, tmp_path, text, said):
    path = tmp_path / "l.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UserInputError, match=said):
        evaluate_humans(store, "run-1", path)


def test_strangers_are_left_out_and_counted(store, tmp_path):
    path = write(tmp_path / "l.csv", range(100))
    path.write_text(path.read_text(encoding="utf-8") + "\nnobody,1", encoding="utf-8")

    assert "1 rows name respondents" in evaluate_humans(store, "run-1", path, srs=True).lines[-1]


def test_cost_is_per_interview_saved_and_infinite_for_a_constant(store):
    cells = load_run(store, "run-1").cells
    figures = {(f.metric, f.level): f for f in value_figures(cells[("Q", "a")], 300, 12.0, weighted=True)}
    constant = {(f.metric, f.level): f for f in value_figures(cells[("Q", "one")], 300, 12.0, weighted=True)}

    saved = figures[("interviews_saved", None)].value
    assert figures[("cost_per_effective_respondent", None)].value == pytest.approx(12 / saved)
    assert constant[("ess", None)].value == 1
    assert constant[("cost_per_effective_respondent", None)].reason == "the predictions save no interview"
