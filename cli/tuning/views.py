"""Jobs as tables and documents."""

import importlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.tuning.following import exit_code, show_job
from cli.tuning.job_rows import job_row
from cli.views.console import out, print_json
from cli.views.text_table import print_table
from finetuning.jobs.curve_warnings import warnings_of
from finetuning.jobs.watching import Looked
from schemas.errors import ExitCode
from schemas.tuning import TuningLedger


def jobs_document(ledgers: Sequence[TuningLedger], *, now: datetime) -> list[dict[str, Any]]:
    """Jobs for --json, oldest first."""
    return [job_row(ledger, now) for ledger in ledgers]


def show_jobs(document: Sequence[dict[str, Any]]) -> None:
    """Jobs as a table."""
    if not document:
        out.print("There is no fine-tuning job in this store.", markup=False)
        return
    rows = [
        [
            job["key"], job["state"], f"{job['created_at']:%Y-%m-%d %H:%M}", _usd(job["training_usd"]),
            _usd(job["hosting_usd"]), ", ".join(_deployed(job)), job["model"] or job["job"] or "",
        ]
        for job in document
    ]  # fmt: skip
    headers = ["job", "state", "begun", "training US$", "hosting US$", "deployed as", "model"]
    print_table("", headers, rows, right=(3, 4))


def told(seen: Looked, chart: Path | None, *, as_json: bool) -> ExitCode:
    """A job on the screen or as a document, its curves as a page if wanted; the exit code."""
    if chart is not None:
        importlib.import_module("cli.tuning.chart").write_chart(seen.curves, chart)  # altair is slow to import
    if as_json:
        print_json(job_document(seen))
        return exit_code(seen.ledger)
    return show_job(seen)


def job_document(seen: Looked) -> dict[str, Any]:
    """One job for --json."""
    ledger = seen.ledger
    return ledger.model_dump(mode="json", exclude={"entry"}) | {
        "curves": {name: [list(point) for point in points] for name, points in seen.curves.points.items()},
        "warnings": warnings_of(seen.curves),
        "events": [{"at": e.created_at, "level": e.level, "message": e.message} for e in seen.events],
    }


def _deployed(job: dict[str, Any]) -> list[str]:
    return [f"{name} (asked for, not seen)" if name in job["unconfirmed"] else name for name in job["deployments"]]


def _usd(value: float | None) -> str:
    return "?" if value is None else f"{value:,.2f}"
