import numpy as np
import pyarrow.parquet as pq
import pytest

from evaluation.reading.cells import ABSENT, MISSING_CODE
from evaluation.reading.load import load_run
from schemas import run_paths
from schemas.errors import StoreError, UserInputError
from tests.support.runs_folder import ArmRows, RunFolder, variable

TRUTH = [1, 2, 3, 1, 0, 0]
ANSWERS = [1, 3, 0, 0, 2, 1]
STATUS = ["answered", "answered", "unparsed", "pending", "answered", "answered"]


def make_folder(**changes):
    made = {
        "questions": [variable("Q", [1, 2, 3])],
        "truth": {"Q": TRUTH},
        "truth_status": {"Q": ["answered"] * 4 + ["refused", "not_asked"]},
        "arms": {"basic": {"Q": ArmRows(ANSWERS, status=STATUS)}},
        "fields": {"AGE": [20, None, 40, 50, 60, 70]},
        "weights": [1, 2, 3, 4, 5, 6],
        "numeric": ["AGE"],
    }
    return RunFolder(**{**made, **changes})


def test_cell_holds_positions_and_leaves_out_what_is_no_answer(tmp_path):
    run = load_run(make_folder().write(tmp_path), "run-1")

    cell = run.cells[("Q", "basic")]

    assert cell.truth.tolist() == [0, 1, 2, 0, ABSENT, ABSENT]
    assert cell.answer.tolist() == [0, 2, ABSENT, ABSENT, 1, 0]
    assert cell.weight.tolist() == [1, 2, 3, 4, 5, 6]
    assert cell.probabilities is None


def test_persona_field_keeps_missing_apart_and_knows_quantities(tmp_path):
    run = load_run(make_folder().write(tmp_path), "run-1")

    assert run.fields["AGE"].tolist() == [20, MISSING_CODE, 40, 50, 60, 70]
    assert run.numeric_fields == {"AGE"}


def test_order_of_rows_in_the_file_makes_no_difference(tmp_path):
    folder = make_folder()
    store = folder.write(tmp_path)
    shuffled = folder.predictions().take(np.random.default_rng(0).permutation(6))
    straight = load_run(store, "run-1").cells[("Q", "basic")]

    pq.write_table(shuffled, store.path(run_paths.predictions("run-1")))
    again = load_run(store, "run-1").cells[("Q", "basic")]

    assert (again.respondent == straight.respondent).all()
    assert (again.answer == straight.answer).all()


def test_emulator_is_known_by_its_fingerprint(tmp_path):
    arms = {"basic": {"Q": ArmRows(ANSWERS, fingerprint="fp_emulator_7")}}

    run = load_run(make_folder(arms=arms).write(tmp_path), "run-1")

    assert run.n_simulated == 6


def test_probabilities_are_read_by_code_and_sum_to_one(tmp_path):
    told = [{3: 0.4, 1: 0.4}, None, {2: 0.9}, {9: 0.5, 2: 0.5}, None, None]
    arms = {"basic": {"Q": ArmRows(ANSWERS, probabilities=told)}}

    p = load_run(make_folder(arms=arms).write(tmp_path), "run-1").cells[("Q", "basic")].probabilities

    assert p[0] == pytest.approx([0.5, 0, 0.5])
    assert np.isnan(p[1]).all()
    assert p[2] == pytest.approx([0, 1, 0])
    assert p[3] == pytest.approx([0, 1, 0])


def test_run_without_predictions_says_how_to_go_on(tmp_path):
    store = make_folder().write(tmp_path)
    store.path(run_paths.predictions("run-1")).unlink()

    with pytest.raises(UserInputError, match=r"no predictions yet.*resume"):
        load_run(store, "run-1")


def test_unknown_run_names_the_runs_there_are(tmp_path):
    store = make_folder().write(tmp_path)

    with pytest.raises(UserInputError, match="run-1"):
        load_run(store, "other")


def test_damaged_predictions_are_told_without_a_traceback(tmp_path):
    store = make_folder().write(tmp_path)
    path = store.path(run_paths.predictions("run-1"))
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(StoreError, match="damaged"):
        load_run(store, "run-1")


def test_truth_outside_the_codebook_is_an_error(tmp_path):
    store = make_folder(truth={"Q": [1, 2, 7, 1, 0, 0]}).write(tmp_path)

    with pytest.raises(StoreError, match="truth of Q"):
        load_run(store, "run-1")


def test_row_of_an_unknown_respondent_is_an_error(tmp_path):
    store = make_folder().write(tmp_path)
    path = store.path(run_paths.respondents("run-1"))
    pq.write_table(pq.read_table(path).slice(1), path)

    with pytest.raises(StoreError, match="respondent_id"):
        load_run(store, "run-1")


def test_missing_persona_field_is_named(tmp_path):
    store = make_folder().write(tmp_path)
    path = store.path(run_paths.respondents("run-1"))
    pq.write_table(pq.read_table(path).drop(["AGE"]), path)

    with pytest.raises(StoreError, match="AGE"):
        load_run(store, "run-1")


def test_split_keeps_its_respondents_only(tmp_path):
    split = ["train", "test", "train", "test", "test", "validation"]

    run = load_run(make_folder(split=split).write(tmp_path), "run-1").of_split("test")

    assert run.cells[("Q", "basic")].respondent.tolist() == [1, 3, 4]


def test_answer_beside_another_status_is_not_valid(tmp_path):
    arms = {"basic": {"Q": ArmRows(ANSWERS, status=["failed", *STATUS[1:]])}}

    cell = load_run(make_folder(arms=arms).write(tmp_path), "run-1").cells[("Q", "basic")]

    assert cell.answer[0] == ABSENT


def test_answered_code_outside_the_codebook_counts_as_unparsed(tmp_path):
    arms = {"basic": {"Q": ArmRows([4, *ANSWERS[1:]], status=STATUS)}}

    run = load_run(make_folder(arms=arms).write(tmp_path), "run-1")

    assert run.cells[("Q", "basic")].answer[0] == ABSENT
    assert run.count("unparsed") == 2
