"""batch list, show, cancel: the Batch API jobs of a run.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from typing import Annotated

import typer

from cli.arguments import JsonOpt, RunArg, examples
from cli.context import load_settings, load_store
from cli.views.console import print_json
from schemas.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The Batch API jobs of a run.", no_args_is_help=True)
    group.command("list", epilog=examples("nightpoll batch list RUN", "nightpoll batch list RUN --json"))(list_batches)
    group.command("show", epilog=examples("nightpoll batch show RUN 3"))(show_one)
    group.command("cancel", epilog=examples("nightpoll batch cancel RUN", "nightpoll batch cancel RUN 3"))(cancel)
    app.add_typer(group, name="batch")


def list_batches(run: RunArg, as_json: JsonOpt = False) -> int:
    """The batches of a run: requests, cost, age, expected end, state; what became of those that are over."""
    from cli.views.batch import document, now, show_batches
    from storage.runs import load_manifest
    from workers.batch.ledger import BatchShelf

    store = load_store(load_settings())
    load_manifest(store, run)
    ledgers = BatchShelf(store, run).ledgers()
    if as_json:
        print_json({"run_id": run, "batches": [document(ledger, now()) for ledger in ledgers]})
    else:
        show_batches(run, ledgers, now())
    return ExitCode.DONE


def show_one(
    run: RunArg,
    number: Annotated[int, typer.Argument(help="Number of the batch, as `batch list` shows it.")],
    as_json: JsonOpt = False,
) -> int:
    """Everything about one batch: its state at the service, its account of every request."""
    from cli.cancelling import batch_numbered
    from cli.views.batch import document, now, show_batch

    ledger = batch_numbered(load_store(load_settings()), run, number)
    print_json(document(ledger, now())) if as_json else show_batch(ledger, now())
    return ExitCode.DONE


def cancel(
    run: RunArg,
    number: Annotated[int | None, typer.Argument(help="Only this batch; default: every open one.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Cancel batches at the service, keep what they have done, and pause the run: `resume` asks for the rest."""
    from cli.cancelling import cancel_batches

    return cancel_batches(run, number, as_json=as_json)
