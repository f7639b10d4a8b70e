"""One question's classifier: a multinomial logit on words and lines, fitted step by step on a training file alone."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from emulator.tuning.text_features import features

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Inverse penalties tried; the one that predicts a fifth of the file best is taken."""
_HELD_OUT = 5
_TRY_ITERATIONS = 60
_LEAST_FOR_TRIAL = 50
_LEAST_FLOOR = 1e-12


class TextClassifier:
    """Classes and their probabilities given lines of text."""

    def __init__(self, texts: Sequence[Sequence[str]], targets: Sequence[str], *, seed: int) -> None:
        """Choose features and penalty; `fit_further` does the rest.

        Args:
            texts: lines of each example.
            targets: class of each example.
            seed: of the fifth held out for choosing.
        """
        shares = Counter(targets)
        self.classes = sorted(shares)
        self._shares = np.array([shares[name] / len(targets) for name in self.classes])
        rank = {name: at for at, name in enumerate(self.classes)}
        self._y: Any = np.array([rank[name] for name in targets])
        self._vectorizer = CountVectorizer(analyzer=features, binary=True, min_df=min(2, len(texts)))
        self._x: Any = self._vectorized(texts)
        self._model: LogisticRegression | None = None
        if len(self.classes) > 1 and self._x is not None:
            self._model = _logit(self._penalty(seed), warm=True)

    def fit_further(self, iterations: int) -> None:
        """Go on fitting from where it stands."""
        if self._model is not None:
            self._model.max_iter = iterations
            _fit(self._model, self._x, self._y)

    def forget_examples(self) -> None:
        """Drop the training data once it is fitted."""
        self._x = self._y = None

    def probabilities(self, texts: Sequence[Sequence[str]]) -> np.ndarray:
        """Shape (n, classes), rows sum to 1; before any fit, the classes' shares."""
        if self._model is None or not hasattr(self._model, "coef_"):
            return np.tile(self._shares, (len(texts), 1))
        found: np.ndarray = self._model.predict_proba(self._vectorizer.transform(texts))
        return found

    def likelihoods(self, lines: Sequence[str]) -> list[float]:
        """Probabilities of the classes for one example; as `probabilities`, without its overhead."""
        if self._model is None or not hasattr(self._model, "coef_"):
            return [float(share) for share in self._shares]
        vocabulary = self._vectorizer.vocabulary_
        found = list({vocabulary[name] for name in features(lines) if name in vocabulary})
        scores = self._model.coef_[:, found].sum(axis=1) + self._model.intercept_
        if len(self.classes) == 2:
            scores = np.array([0.0, scores[0]])
        weights = np.exp(scores - scores.max())
        return [float(p) for p in weights / weights.sum()]

    def snapshot(self) -> "TextClassifier":
        """The model as it is now, which later fits do not change."""
        kept = object.__new__(TextClassifier)
        kept.classes, kept._shares, kept._vectorizer = self.classes, self._shares, self._vectorizer
        kept._x = kept._y = None
        kept._model = self._model
        if self._model is not None and hasattr(self._model, "coef_"):
            kept._model = _logit(self._model.C, warm=False)
            kept._model.coef_, kept._model.intercept_ = self._model.coef_.copy(), self._model.intercept_.copy()
            kept._model.classes_ = self._model.classes_
        return kept

    def losses(self, texts: Sequence[Sequence[str]], targets: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Negative log-likelihood of each target, and whether it is the likeliest class."""
        rank = {name: at for at, name in enumerate(self.classes)}
        p, at = self.probabilities(texts), np.array([rank.get(name, -1) for name in targets])
        own = np.where(at >= 0, p[np.arange(len(at)), at], _LEAST_FLOOR)
        return -np.log(np.maximum(own, _LEAST_FLOOR)), p.argmax(axis=1) == at

    def _vectorized(self, texts: Sequence[Sequence[str]]) -> sparse.csr_matrix | None:
        try:
            return self._vectorizer.fit_transform(texts)
        except ValueError:  # no feature is left: nothing to learn but the shares
            return None

    def _penalty(self, seed: int) -> float:
        n = len(self._y)
        if n < _LEAST_FOR_TRIAL:
            return PENALTIES[len(PENALTIES) // 2]
        held_out = np.random.default_rng(seed).permutation(n) % _HELD_OUT == 0
        if len(np.unique(self._y[~held_out])) < 2:
            return PENALTIES[0]
        losses = []
        model = _logit(PENALTIES[0], warm=True)  # each fit starts from the one before
        for penalty in PENALTIES:
            model.C = penalty
            model.max_iter = _TRY_ITERATIONS
            _fit(model, self._x[~held_out], self._y[~held_out])
            losses.append(_mean_loss(model, self._x[held_out], self._y[held_out]))
        return PENALTIES[int(np.argmin(losses))]


def _logit(penalty: float, *, warm: bool) -> LogisticRegression:
    return LogisticRegression(C=penalty, solver="lbfgs", warm_start=warm, tol=1e-5)


def _fit(model: LogisticRegression, x: sparse.csr_matrix, y: np.ndarray) -> None:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # a step of a training is not meant to converge
        model.fit(x, y)


def _mean_loss(model: LogisticRegression, x: sparse.csr_matrix, y: np.ndarray) -> float:
    p = np.zeros((len(y), int(y.max(initial=0)) + 1 + len(model.classes_)))
    p[:, model.classes_] = model.predict_proba(x)
    return float(-np.log(np.maximum(p[np.arange(len(y)), y], _LEAST_FLOOR)).mean())
