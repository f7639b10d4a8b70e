"""Real use: a few people were interviewed, all have predictions. Shares from both, and what the labels allow to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import HUMAN, Interval, MetricRow
from evaluation.reading.cells import ABSENT, Cell, RunData
from evaluation.reading.load import load_run, read_respondents
from evaluation.rivals.features import binned
from evaluation.subgroups.groups import SUPPRESSED_BELOW
from evaluation.worth.value import Estimate, classical, ppi, ppi_known_probability
from schemas.errors import UserInputError
from storage.runs import load_manifest
from storage.store import Store

PROBABILITY = "probability"
ASSUMED = (
    "No `probability` column and no --srs: the intervals assume that chance decided, given the persona, who was "
    "labelled. "
    "Where labelled and all people differ below, they may not hold."
)


@dataclass(frozen=True)
class Labelled:
    """Interviews of a CSV, put beside the respondents of a run.

    Attributes:
        labelled: shape (R,), who was interviewed.
        probability: shape (R,), of having been chosen; None if not given.
        answers: question -> code position per respondent, ABSENT where not asked or not answered.
        n_unknown: rows whose respondent is not in the run.
    """

    labelled: BoolArray
    probability: FloatArray | None
    answers: Mapping[str, IntArray]
    n_unknown: int


class Balance(NamedTuple):
    """One group of a persona field among the labelled and among all."""

    field: str
    group: str
    labelled: float
    everyone: float


@dataclass(frozen=True)
class HumanEvaluation:
    """Shares with and without predictions.

    Attributes:
        rows: for each question, arm and code a `ppi_share` and the arm `human` with `labelled_share`, weighted.
        lines: what the labels allow to say.
        balance: persona fields, labelled against all, largest differences first; empty where chance is declared.
    """

    rows: list[MetricRow]
    lines: list[str]
    balance: list[Balance]


def evaluate_humans(store: Store, run_id: str, path: Path, *, srs: bool = False) -> HumanEvaluation:
    """Estimate shares from labelled interviews and a run's predictions for everyone.

    Args:
        store: where the run is.
        run_id: of the run.
        path: CSV in UTF-8 with the respondent id (named as in the study, or `respondent_id`), one column of codes a
            question, and `probability`, the chance each one had of being chosen, unless `srs`.
        srs: the labelled are a simple random sample of the run's respondents.

    Raises:
        UserInputError: no table, no id, no question of the run, a code that is none, or a probability outside 0..1.
    """
    run = load_run(store, run_id)
    weight = read_respondents(store, run_id, []).weight
    found = read_labelled(path, run, load_manifest(store, run_id).study.survey.respondent_id)
    rows = [row for key, cell in run.cells.items() if key[0] in found.answers for row in _rows(cell, found, weight)]
    balance: list[Balance] = []
    if found.probability is not None:
        lines = ["Labelled with known, unequal probabilities; intervals use them."]
    elif srs:
        lines = ["Labelled as a simple random sample."]
    else:
        lines, balance = [ASSUMED], balance_of(run, found.labelled, weight)
    lines.insert(0, f"{int(found.labelled.sum())} of {weight.size} respondents are labelled.")
    if found.n_unknown:
        lines.append(f"{found.n_unknown} rows name respondents that are not in the run; they were left out.")
    return HumanEvaluation(rows, lines, balance)


def read_labelled(path: Path, run: RunData, id_name: str) -> Labelled:
    """Read the CSV of interviews; an empty cell is no answer. Raises as `evaluate_humans`."""
    frame = _table(path)
    column = next((name for name in (id_name, "respondent_id") if name in frame.columns), None)
    if column is None:
        raise UserInputError(f"the file has no column {id_name}.", where=str(path))
    asked = [question for question in run.questions if question in frame.columns]
    if not asked:
        raise UserInputError("the file has no column of a question of the run.", where=str(path))
    place = {one: i for i, one in enumerate(run.respondent_ids)}
    ids = [_plain(text) for text in frame[column]]
    if len(set(ids)) < len(ids):
        raise UserInputError("the file has two rows with one respondent id.", where=str(path))
    rows = np.array([place.get(one, ABSENT) for one in ids], dtype=np.int64)
    known = rows != ABSENT
    labelled = np.zeros(len(place), dtype=np.bool_)
    labelled[rows[known]] = True
    answers = {q: _answers(frame[q], rows, run, q, path) for q in asked}
    return Labelled(labelled, _probability(frame, rows, len(place), path), answers, int((~known).sum()))


def balance_of(run: RunData, labelled: BoolArray, weight: FloatArray) -> list[Balance]:
    """Weighted share of each persona group, labelled against all; small groups are left out."""
    found = []
    for name, codes in run.fields.items():
        levels = binned(codes) if name in run.numeric_fields else codes
        for level in np.unique(levels):
            inside = levels == level
            if inside.sum() < SUPPRESSED_BELOW or not labelled.any():
                continue
            shares = [float(weight[who & inside].sum() / weight[who].sum()) for who in (labelled, labelled | True)]
            found.append(Balance(name, _label(run, name, int(level)), *shares))
    return sorted(found, key=lambda b: -abs(b.labelled - b.everyone))


def _rows(cell: Cell, found: Labelled, weight: FloatArray) -> list[MetricRow]:
    """Both estimates of every code of one question and arm."""
    answer = found.answers[cell.question_id]
    labelled = found.labelled & (answer != ABSENT)
    rows = []
    for k, level in enumerate(cell.scale.levels):
        y, g = (answer == k).astype(np.float64), _predicted(cell, k, weight.size)
        for arm, metric, estimate in _estimates(cell.arm, y, g, weight, labelled, found.probability):
            rows.append(_row(arm, cell.question_id, metric, level, estimate, weight[labelled]))
    return rows


def _estimates(
    arm: str, y: FloatArray, g: FloatArray, w: FloatArray, labelled: BoolArray, probability: FloatArray | None
) -> list[tuple[str, str, Estimate | None]]:
    if labelled.sum() < SUPPRESSED_BELOW:
        return [(HUMAN, "labelled_share", None), (arm, "ppi_share", None)]
    if probability is not None:
        alone = ppi_known_probability(y, np.zeros_like(g), w, labelled, probability)
        return [
            (HUMAN, "labelled_share", alone),
            (arm, "ppi_share", ppi_known_probability(y, g, w, labelled, probability)),
        ]
    both = ppi(y[labelled], g[labelled], w[labelled], g[~labelled], w[~labelled])
    return [(HUMAN, "labelled_share", classical(y[labelled], w[labelled])), (arm, "ppi_share", both)]


def _predicted(cell: Cell, k: int, n: int) -> FloatArray:
    """Mean over repeats of what was predicted for each respondent, shape (R,); 0 without a prediction."""
    value = (cell.answer == k) * 1.0 if cell.probabilities is None else np.nan_to_num(cell.probabilities[:, k])
    return np.bincount(cell.respondent, weights=cell.unit * value, minlength=n).astype(np.float64)


def _row(arm: str, question: str, metric: str, level: str, found: Estimate | None, w: FloatArray) -> MetricRow:
    if found is None:
        reason = f"fewer than {SUPPRESSED_BELOW} labelled respondents"
        return MetricRow(arm, question, "all", metric, None, True, reason=reason, level=level)
    n_eff = float(w.sum() ** 2 / (w**2).sum())
    interval: Interval | None = found.logit_interval(n_eff)
    return MetricRow(
        arm, question, "all", metric, found.share, True, level=level, interval=interval, n=w.size, n_eff=n_eff
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as e:
        raise UserInputError("the file of labelled respondents cannot be read.", where=str(path)) from e
    except (ValueError, UnicodeError) as e:  # pandas' parser errors are ValueErrors
        raise UserInputError("the file is no CSV table in UTF-8.", where=str(path)) from e


def _answers(column: "pd.Series[str]", rows: IntArray, run: RunData, question: str, path: Path) -> IntArray:
    codes = {str(code): i for i, code in enumerate(run.scales[question].codes)}
    positions = np.full(len(run.respondent_ids), ABSENT, dtype=np.int64)
    wrong: set[str] = set()
    for row, text in zip(rows, (_plain(t) for t in column), strict=True):
        if text and text not in codes:
            wrong.add(text)
        elif text and row != ABSENT:
            positions[row] = codes[text]
    if wrong:
        raise UserInputError(
            f"{question}: {len(wrong)} distinct values are no code of the question.",
            where=str(path),
            hint=f"Codes: {', '.join(codes)}; leave the cell empty for no answer.",
        )
    return positions


def _probability(frame: pd.DataFrame, rows: IntArray, n: int, path: Path) -> FloatArray | None:
    if PROBABILITY not in frame.columns:
        return None
    values = pd.to_numeric(frame[PROBABILITY], errors="coerce").to_numpy(dtype=np.float64)
    if not ((values > 0) & (values <= 1)).all():
        raise UserInputError("a probability is not above 0 and at most 1.", where=f"{path}, column {PROBABILITY}")
    probability = np.ones(n)
    probability[rows[rows != ABSENT]] = values[rows != ABSENT]
    return probability


def _plain(text: str) -> str:
    text = text.strip()
    whole, dot, rest = text.partition(".")
    return whole if dot and whole.lstrip("-").isdigit() and not rest.strip("0") else text


def _label(run: RunData, field: str, level: int) -> str:
    if level == np.iinfo(np.int64).min:
        return "missing"
    if field in run.numeric_fields:
        return f"tenth {level + 1}"
    labels: Mapping[int, str] = run.labels.get(field, {})
    return labels.get(level, str(level))
