"""list, show, errors: what a store and a run hold.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from typing import Annotated, Any

import typer

from cli.arguments import JsonOpt, RunArg, examples
from cli.context import load_settings, load_store
from cli.views.console import out, print_json
from schemas.errors import ExitCode

STATUSES = ["answered", "unparsed", "refused", "filtered", "truncated", "failed", "cancelled", "pending"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", epilog=examples("nightpoll list", "nightpoll list --json"))(list_runs)
    app.command(
        epilog=examples(
            "nightpoll show RUN --question PID --status unparsed -n 5",
            "nightpoll show RUN 3f9c2a71b0",
            "nightpoll show RUN --arm cot --json",
        )
    )(show)
    app.command(epilog=examples("nightpoll prune", "nightpoll prune --older-than 180 --yes"))(prune)
    app.command(epilog=examples("nightpoll errors RUN", "nightpoll errors RUN --json"))(errors)


def prune(
    older_than: Annotated[float, typer.Option(min=1, help="Days since anything happened to a run.")] = 90,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it only what would go is listed.")] = False,
    as_json: JsonOpt = False,
) -> int:
    """Remove old runs that are over. Lists them unless --yes is given.

    Runs that may go on, that answers may be reused from, or that registry, fine-tuning or queue name are kept.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from workers import prune as pruning

    store = load_store(load_settings())
    found = pruning.prunable(store, now=datetime.now(UTC), older_than_days=older_than)
    if yes:
        pruning.prune(store, found)
    if as_json:
        print_json({"removed": yes, "found": [asdict(one) for one in found]})
        return ExitCode.DONE
    for one in found:
        out.print(f"{one.path}: {one.what}, {one.n_bytes / 1e6:,.1f} MB", markup=False)
    done = "removed" if yes else "would go; --yes removes them"
    out.print(f"{len(found)} folders {done}.", markup=False)
    return ExitCode.DONE


def list_runs(as_json: JsonOpt = False) -> int:
    """The runs in the store: state, tasks, landed share, when they were made; newest first."""
    from cli.run_list import listed_runs, show_runs

    store = load_store(load_settings())
    runs = listed_runs(store)
    if as_json:
        print_json({"store": store.uri, "runs": [run.document() for run in runs]})
    elif runs:
        show_runs(runs)
    else:
        out.print(f"There is no run in {store.uri} yet; `nightpoll run STUDY` makes one.", markup=False)
    return ExitCode.DONE


def show(
    run: RunArg,
    task: Annotated[str | None, typer.Argument(help="Task id or its beginning: everything about it.")] = None,
    question: Annotated[str | None, typer.Option(help="Only this question.")] = None,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only this status: {', '.join(STATUSES)}.")] = None,
    respondent: Annotated[str | None, typer.Option(help="Only this respondent.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=100_000, help="Rows to show.")] = 20,
    as_json: JsonOpt = False,
) -> int:
    """Answers beside the truth, row by row; or one task with the exact prompt and everything that came back."""
    from cli.prediction_rows import checked_choice, matching_rows, task_row
    from cli.views.show import show_rows, show_task, task_document
    from storage.runs import load_manifest
    from workers.predictions.fresh_predictions import compact_if_needed

    store = load_store(load_settings())
    study = load_manifest(store, run).study
    wanted: dict[str, str] = {}
    for column, value, known, option in (
        ("question_id", question, list(study.questions), "--question"),
        ("arm", arm, list(study.arms), "--arm"),
        ("status", status, STATUSES, "--status"),
    ):
        if value is not None:
            wanted[column] = checked_choice(value, known, option)
    if respondent is not None:
        wanted["respondent_id"] = respondent
    compact_if_needed(store, run)
    if task is not None:
        document = task_document(store, run, task_row(store, run, task))
        print_json(document) if as_json else show_task(document)
        return ExitCode.DONE
    found = matching_rows(store, run, wanted, n=n)
    print_json({"run_id": run, "matching": found.n_matching, "rows": found.rows}) if as_json else show_rows(found)
    return ExitCode.DONE


def errors(run: RunArg, as_json: JsonOpt = False) -> int:
    """Tasks without an answer: failed, unparsed, refused, filtered, truncated, open; by reason, with an example."""
    from cli.prediction_rows import reasons
    from cli.views.show import reason_document, show_reasons
    from workers.predictions.fresh_predictions import compact_if_needed

    store = load_store(load_settings())
    manifest = compact_if_needed(store, run)
    found = reasons(store, run)
    if as_json:
        document: dict[str, Any] = {"run_id": run, "tasks": manifest.totals.n_tasks}
        print_json(document | {"without_answer": [reason_document(reason) for reason in found]})
    else:
        show_reasons(found)
    return ExitCode.DONE
