"""The machine form: metrics.parquet and metrics.json, the same numbers twice, whole or not at all."""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evaluation.figures import POOLED, MetricRow
from evaluation.inference.bootstrap import Draws
from evaluation.reading.cells import RunData
from evaluation.rivals.boosting import LEARNING_RATE, MAX_LEAVES, N_TREES
from evaluation.rivals.folds import FOLD_SEED, N_FOLDS
from evaluation.rivals.logit import INVERSE_PENALTY
from evaluation.subgroups.groups import SUPPRESSED_BELOW
from schemas import run_paths, tables
from storage.store import Store

JSON_FORMAT_NO = 1
MACRO = "*macro"
"""Key of means over questions in metrics.json; null in metrics.parquet."""


def write_metrics(
    store: Store, run_id: str, rows: Sequence[MetricRow], *, lines: Sequence[str], method: Mapping[str, Any]
) -> list[str]:
    """Replace both files; if anything fails, both stay as they were. Returns their paths in the store.

    Raises:
        StoreError: the store cannot be written.
    """
    parquet = run_paths.evaluation(run_id, "metrics.parquet")
    as_json = run_paths.evaluation(run_id, "metrics.json")
    with store.writing(parquet) as table_file, store.writing(as_json) as json_file:
        pq.write_table(metrics_table(run_id, rows), table_file, compression="zstd")
        nested = metrics_tree(run_id, rows, lines=lines, method=method)
        json_file.write_text(json.dumps(nested, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return [parquet, as_json]


def metrics_table(run_id: str, rows: Sequence[MetricRow]) -> pa.Table:
    """Rows as `schemas.tables.METRICS`."""
    columns: dict[str, list[Any]] = {
        name: [getattr(row, name) for row in rows]
        for name in ("arm", "arm_b", "question_id", "split", "level", "metric", "form", "weighted")
    }
    columns |= {name: [getattr(row, name) for row in rows] for name in ("value", "reason", "n", "n_eff")}
    columns["run_id"] = [run_id] * len(rows)
    columns["subgroup"] = [None if row.subgroup is None else list(row.subgroup) for row in rows]
    columns["ci_low"] = [None if row.interval is None else row.interval.low for row in rows]
    columns["ci_high"] = [None if row.interval is None else row.interval.high for row in rows]
    columns["ci_method"] = [None if row.interval is None else row.interval.method for row in rows]
    columns["flags"] = [list(row.flags) for row in rows]
    schema = tables.METRICS
    return pa.Table.from_arrays([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def metrics_tree(
    run_id: str, rows: Iterable[MetricRow], *, lines: Sequence[str], method: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows nested by question and arm; every figure keeps all its columns, so both forms say the same."""
    questions: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        question = MACRO if row.question_id is None else row.question_id
        questions.setdefault(question, {}).setdefault(row.arm, []).append(_leaf(row))
    last = {name: questions.pop(name) for name in (MACRO, POOLED) if name in questions}
    return {
        "format_no": JSON_FORMAT_NO,
        "run_id": run_id,
        "lines": list(lines),
        "method": dict(method),
        "questions": questions | last,
    }


def method_of(run: RunData, draws: Draws, notes: Sequence[str]) -> dict[str, Any]:
    """How the figures were made: draws, design, folds, baselines, calibration, versions."""
    return {
        "interval": draws.method,
        "design": run.design.words,
        "bootstrap_draws": draws.n_draws,
        "bootstrap_seed": draws.seed,
        "folds": N_FOLDS,
        "fold_seed": FOLD_SEED,
        "logit": f"multinomial, C={INVERSE_PENALTY:g}, fitted unweighted out of fold, scored weighted",
        "gbdt": f"{N_TREES} rounds, {MAX_LEAVES} leaves, rate {LEARNING_RATE:g}, same fields and folds",
        "logit_fields": list(run.fields),
        "rich_logit_fields": list(run.rich),
        "equivalence_points": run.settings.equivalence_points,
        "minimum_cell": run.settings.minimum_cell,
        "suppressed_below": SUPPRESSED_BELOW,
        "labels": run.settings.labels,
        "calibration": "fitted on the validation split, applied to the test split",
        "scale_orders": {name: list(s.order) if s.ordinal else None for name, s in run.scales.items()},
        "notes": list(notes),
        "versions": {name: version(name) for name in ("nightpoll", "numpy", "scipy", "scikit-learn", "pyarrow")},
    }


def _leaf(row: MetricRow) -> dict[str, Any]:
    around = row.interval
    return {
        "metric": row.metric,
        "form": row.form,
        "level": row.level,
        "split": row.split,
        "weighted": row.weighted,
        "arm_b": row.arm_b,
        "value": row.value,
        "reason": row.reason,
        "ci_low": None if around is None else around.low,
        "ci_high": None if around is None else around.high,
        "ci_method": None if around is None else around.method,
        "n": row.n,
        "n_eff": row.n_eff,
        "flags": list(row.flags),
        "subgroup": None if row.subgroup is None else dict(row.subgroup),
    }
