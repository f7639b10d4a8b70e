import numpy as np
import pytest
from scipy import sparse

from evaluation.reading.cells import ABSENT, MISSING_CODE
from evaluation.rivals.baselines import expected_baselines, majority_out_of_fold
from evaluation.rivals.features import binned, one_hot
from evaluation.rivals.folds import folds_of
from evaluation.rivals.logit import fit_out_of_fold
from tests.support.cells import nominal

IDS = [f"r{i}" for i in range(400)]


def test_folds_are_five_of_about_equal_size_and_depend_on_the_id_alone():
    folds = folds_of(IDS)

    assert set(folds) == {0, 1, 2, 3, 4}
    assert np.bincount(folds).min() > 50
    assert (folds_of(IDS[::-1])[::-1] == folds).all()


def test_missing_value_is_a_level_of_its_own():
    matrix = one_hot({"A": np.array([1, 2, MISSING_CODE, 2])}, frozenset())

    assert matrix.toarray().sum(axis=1).tolist() == [1, 1, 1, 1]
    assert matrix.shape == (4, 3)


def test_quantity_becomes_at_most_ten_groups_and_missing():
    age = np.append(np.arange(18, 98), MISSING_CODE)

    groups = binned(age)

    assert len(np.unique(groups[:-1])) == 10
    assert groups[-1] == MISSING_CODE


def test_quantity_with_few_values_keeps_them_apart():
    assert len(np.unique(binned(np.array([1, 1, 1, 2, 2, 3])))) == 3


def test_majority_of_a_fold_is_learned_elsewhere():
    truth = np.array([0, 0, 1, 1, 1])
    folds = np.array([0, 0, 1, 2, 2])

    constant = majority_out_of_fold(truth, folds, 2)

    assert constant.tolist() == [1, 1, 0, 0, 0]  # a tie goes to the first code


def test_logit_finds_a_field_that_decides_the_answer():
    rng = np.random.default_rng(0)
    field = rng.integers(1, 4, 400)
    truth = np.where(rng.random(400) < 0.9, field - 1, rng.integers(0, 3, 400))

    found = fit_out_of_fold(one_hot({"F": field}, frozenset()), truth, folds_of(IDS), 3)

    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(400))
    assert np.mean(found.probabilities.argmax(axis=1) == truth) > 0.85
    assert found.n_unconverged == 0


def test_logit_of_a_fold_does_not_see_the_answers_of_that_fold():
    rng = np.random.default_rng(0)
    x, folds = one_hot({"F": rng.integers(1, 4, 400)}, frozenset()), folds_of(IDS)
    truth = rng.integers(0, 3, 400)
    changed = np.where(folds == 2, (truth + 1) % 3, truth)

    before, after = (fit_out_of_fold(x, t, folds, 3).probabilities for t in (truth, changed))

    assert (before[folds == 2] == after[folds == 2]).all()
    assert (before[folds != 2] != after[folds != 2]).any()


def test_respondent_without_an_answer_gets_no_probabilities():
    truth = np.array([0, 1] * 200)
    truth[7] = ABSENT

    found = fit_out_of_fold(sparse.csr_matrix(np.ones((400, 1))), truth, folds_of(IDS), 2)

    assert np.isnan(found.probabilities[7]).all()
    assert np.isfinite(np.delete(found.probabilities, 7, axis=0)).all()


def test_training_answers_all_alike_give_a_sure_forecast():
    found = fit_out_of_fold(sparse.csr_matrix(np.ones((400, 1))), np.ones(400, dtype=int), folds_of(IDS), 2)

    assert (found.probabilities[:, 1] == 1).all()


def test_fit_that_stops_early_is_counted(monkeypatch):
    monkeypatch.setattr("evaluation.rivals.logit.MAX_ITERATIONS", 1)
    rng = np.random.default_rng(0)
    x = one_hot({"F": rng.integers(1, 9, 400)}, frozenset())

    found = fit_out_of_fold(x, rng.integers(0, 3, 400), folds_of(IDS), 3)

    assert found.n_unconverged == 5


def test_expected_baselines_have_their_textbook_figures():
    human = np.array([0.5, 0.3, 0.2])

    uniform, marginal = expected_baselines(human, nominal(3))

    assert uniform.accuracy.value == pytest.approx(1 / 3)
    assert uniform.log_loss.value == pytest.approx(np.log(3))
    assert marginal.accuracy.value == pytest.approx(0.38)
    assert marginal.log_loss.value == pytest.approx(-(human @ np.log(human)))
