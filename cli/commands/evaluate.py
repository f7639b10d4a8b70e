"""evaluate, compare, reread, export: how close answers are to the human ones, and back to the survey world.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import MOST, JsonOpt, RunArg, examples
from cli.context import load_settings, load_store
from cli.views.console import err, out, print_json
from schemas.errors import ExitCode, UserInputError
from storage.store import Store


class SplitName(StrEnum):
    """Which respondents are scored. An enumeration: Typer has no lists of literals."""

    ALL = "all"
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class ExportForm(StrEnum):
    """Forms of an export."""

    PARQUET = "parquet"
    CSV = "csv"
    SAV = "sav"
    DTA = "dta"
    TOPLINES = "toplines"
    ARCHIVE = "archive"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples(
            "nightpoll evaluate RUN",
            "nightpoll evaluate RUN RUN --split test",
            "nightpoll evaluate RUN --report report.html --summary",
            "nightpoll evaluate RUN --humans labelled.csv --srs",
            "nightpoll evaluate RUN RUN --background --report -",
        )
    )(evaluate)
    app.command(epilog=examples("nightpoll compare MONDAY TUESDAY", "nightpoll compare A B --threshold 1.5"))(compare)
    app.command(epilog=examples("nightpoll reread RUN", "nightpoll reread RUN --reader 1"))(reread)
    app.command(
        epilog=examples(
            "nightpoll export RUN out.parquet",
            "nightpoll export RUN answers.sav --format sav --survey survey.sav",
            "nightpoll export RUN tables.xlsx --format toplines",
            "nightpoll export RUN run.zip --format archive --no-microdata",
        )
    )(export)


def evaluate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, as `nightpoll list` shows them.")],
    split: Annotated[
        list[SplitName] | None, typer.Option(help="Respondents to score; may be repeated. Default: all.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write one run's report (HTML) here; `-`: into its folder.")
    ] = None,
    humans: Annotated[
        Path | None, typer.Option(help="CSV of labelled interviews: estimates with the run's predictions.")
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Twenty lines at most instead of the tables.")] = False,
    srs: Annotated[bool, typer.Option("--srs", help="With --humans: a simple random sample was labelled.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Let the workers do it, when the run has ended; return at once.")
    ] = False,
    as_json: JsonOpt = False,
) -> int:
    """Score runs: coverage first, then accuracy and distribution per question and arm beside simple baselines.

    Writes evaluation/metrics.json and evaluation/metrics.parquet into each run's folder, over earlier ones. A run
    that has not finished is scored as it is, and its first line says so.
    """
    from cli.views import evaluation as view
    from storage.runs import load_manifest

    if summary and (as_json or background):
        hint = "Leave out --json, which tells every figure, and --background."
        raise UserInputError("--summary prints at once, for people.", where="evaluate", hint=hint)
    store = load_store(load_settings())
    for run in runs:
        load_manifest(store, run)  # a wrong id stops before any work
    if background:
        from cli.evaluation_job import ask_for_evaluations

        return ask_for_evaluations(store, runs, splits=split, report=report, humans=humans, as_json=as_json)
    splits = tuple(dict.fromkeys(name.value for name in split)) if split else (SplitName.ALL.value,)
    if (report is not None or humans is not None) and len(runs) > 1:
        raise UserInputError("--report and --humans take one run.", where="evaluate")
    documents = []
    for run in runs:
        found = view.evaluated(store, run, splits)
        if report is not None:
            err.print(view.written_report(store, found, report), markup=False)
        if humans is not None:
            view.show_humans(store, run, humans, srs=srs)
        if as_json:
            documents.append(view.evaluation_document(store, found))
        else:
            view.show_evaluation(store, found, in_short=summary)
    if as_json:
        print_json({"runs": documents})
    return ExitCode.DONE


def compare(
    earlier: Annotated[str, typer.Argument(help="Run id of the earlier run.")],
    later: Annotated[str, typer.Argument(help="Run id of the later run.")],
    threshold: Annotated[float, typer.Option(min=0, max=MOST, help="Points of change that count as drift.")] = 2.0,
    as_json: JsonOpt = False,
) -> int:
    """What changed between two runs of a study, arm by arm; exit code 9 if it is more than the threshold."""
    from evaluation.inference.drift import compare_runs
    from workers.predictions.fresh_predictions import compact_if_needed

    store = load_store(load_settings())
    for run in (earlier, later):
        compact_if_needed(store, run)
    found = compare_runs(store, earlier, later, threshold_points=threshold)
    if as_json:
        print_json({"over": found.is_over, "threshold_points": threshold, "lines": found.lines})
    else:
        for line in found.lines:
            out.print(line, markup=False)
    return ExitCode.CHECK_SAID_NO if found.is_over else ExitCode.DONE


def reread(
    run: RunArg,
    reader: Annotated[int | None, typer.Option(help="Version of the reader; none: this version's own.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Read the stored raw answers again, with this version's reader or an earlier one. Calls nothing."""
    from workers.predictions.compaction import compact
    from workers.reading.answers import READER_VERSION, checked_version

    version = READER_VERSION if reader is None else checked_version(reader)
    store = load_store(load_settings())
    found = compact(store, run, version=version)
    if as_json:
        print_json({"run_id": run, "tasks": found.n_tasks, "statuses": found.statuses})
    else:
        told = ", ".join(f"{n:,} {status}" for status, n in sorted(found.statuses.items()))
        out.print(f"{run}: {told}", markup=False)
    return ExitCode.DONE


def export(
    run: RunArg,
    path: Annotated[Path, typer.Argument(help="File to write.")],
    form: Annotated[ExportForm, typer.Option("--format", help="What to write.")] = ExportForm.PARQUET,
    survey: Annotated[Path | None, typer.Option(help="sav and dta: the survey file the run was made from.")] = None,
    no_microdata: Annotated[
        bool, typer.Option("--no-microdata", help="toplines and archive: nothing about a single respondent.")
    ] = False,
) -> int:
    """Answers back in the survey world: beside the humans' in .sav or .dta, as tables in .xlsx, as rows."""
    from cli.export_files import export_run

    store = load_store(load_settings())
    for line in export_run(store, run, path, form.value, survey, microdata=not no_microdata):
        out.print(line, markup=False)
    return ExitCode.DONE


def evaluate_and_print(store: Store, run_id: str) -> None:
    """Evaluate one run over all respondents and print it.

    Raises:
        UserInputError: there is no such run. StoreError: a file is damaged or cannot be written.
    """
    from cli.views.evaluation import evaluated, show_evaluation

    show_evaluation(store, evaluated(store, run_id, ("all",)))
