"""What `evaluate` shows of a run: warnings before everything else, tables, the verdict, where the figures are."""

import json
from pathlib import Path
from typing import Any

from cli.views.console import err, out
from cli.views.text_table import print_table
from evaluation.job import Evaluation, evaluate_run
from evaluation.reporting.report import write_report
from evaluation.reporting.summary import summary_lines
from evaluation.worth.humans import evaluate_humans
from schemas import run_paths
from schemas.errors import UserInputError
from storage.runs import load_manifest
from storage.store import Store
from storage.tuning_records import load_tuning_manifest
from workers.predictions.fresh_predictions import compact_if_needed

_TEXT_COLUMNS = frozenset({"question", "arm", "baseline", "flags"})


def evaluated(store: Store, run_id: str, splits: tuple[str, ...]) -> Evaluation:
    """Compact if needed and evaluate, with progress on stderr."""
    with err.status("reading answers") as shown:
        compact_if_needed(store, run_id)
        return evaluate_run(store, run_id, progress=shown.update, splits=splits, tuned_on=tuned_on(store, run_id))


def tuned_on(store: Store, run_id: str) -> dict[str, list[str]]:
    """Arm -> respondents its model was tuned on, from the manifests of registered models."""
    run = load_manifest(store, run_id)
    found = {}
    for name, arm in run.study.arms.items():
        model = run.models.get(arm.model) if arm.model is not None else None
        if model is not None and model.manifest is not None:
            found[name] = load_tuning_manifest(store, model.manifest).training_ids
    return found


def show_evaluation(store: Store, found: Evaluation, *, in_short: bool = False) -> None:
    """The evaluation for people: tables and verdict, or below the run's id twenty lines at most."""
    out.print(found.run_id, style="bold", markup=False)
    if in_short:
        for line in summary_lines(found):
            out.print(line, markup=False)
        return
    for warning in found.warnings:
        out.print(warning, style="yellow", markup=False)
    for table in found.tables:
        out.print()
        right = [i for i, header in enumerate(table.headers) if header not in _TEXT_COLUMNS]
        print_table(table.title, table.headers, table.rows, right=right)
    out.print()
    for line in [*found.verdict, *found.notes, *_paths(store, found)]:
        out.print(line, markup=False)


def written_report(store: Store, found: Evaluation, path: Path) -> str:
    """Write the report; `-` means evaluation/report.html in the run's folder. Returns where it is.

    Raises:
        UserInputError: the file cannot be written.
    """
    try:
        if path != Path("-"):
            return str(write_report(store, found.run_id, found, path))
        write_report(store, found.run_id, found)
        return store.where(run_paths.evaluation(found.run_id, "report.html"))
    except OSError as error:
        raise UserInputError(f"the report cannot be written: {error.strerror}.", where=str(path)) from error


def show_humans(store: Store, run_id: str, labelled: Path, *, srs: bool) -> None:
    """Estimates from labelled interviews and the run's predictions."""
    for line in evaluate_humans(store, run_id, labelled, srs=srs).lines:
        out.print(line, markup=False)


def evaluation_document(store: Store, found: Evaluation) -> dict[str, Any]:
    """The content of metrics.json, with the warnings apart and the paths of both files."""
    path = next(file for file in found.files if file.endswith(".json"))
    document: dict[str, Any] = json.loads(store.read_bytes(path))
    return document | {"warnings": found.warnings, "files": _paths(store, found)}


def _paths(store: Store, found: Evaluation) -> list[str]:
    return [store.where(file) for file in found.files]
