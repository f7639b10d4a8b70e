"""evaluate: how close the answers of runs are to the human ones.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from enum import StrEnum
from typing import Annotated

import typer

from cli.arguments import JsonOpt, examples
from cli.console import print_json
from cli.context import load_settings, load_store
from schemas.errors import ExitCode
from storage.store import Store


class SplitName(StrEnum):
    """Which respondents are scored. An enumeration: Typer has no lists of literals."""

    ALL = "all"
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "nightpoll evaluate RUN", "nightpoll evaluate RUN RUN --split test", "nightpoll evaluate RUN --json"
        )
    )(evaluate)


def evaluate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, as `nightpoll list` shows them.")],
    split: Annotated[
        list[SplitName] | None, typer.Option(help="Respondents to score; may be repeated. Default: all.")
    ] = None,
    as_json: JsonOpt = False,
) -> int:
    """Score runs: coverage first, then accuracy and distribution per question and arm beside simple baselines.

    Writes evaluation/metrics.json and evaluation/metrics.parquet into each run's folder, over earlier ones. A run
    that has not finished is scored as it is, and its first line says so.
    """
    from cli.evaluation_view import evaluated, evaluation_document, show_evaluation
    from storage.runs import load_manifest

    store = load_store(load_settings())
    for run in runs:
        load_manifest(store, run)  # a wrong id stops before any work
    splits = tuple(dict.fromkeys(name.value for name in split)) if split else (SplitName.ALL.value,)
    documents = []
    for run in runs:
        found = evaluated(store, run, splits)
        if as_json:
            documents.append(evaluation_document(store, found))
        else:
            show_evaluation(store, found)
    if as_json:
        print_json({"runs": documents})
    return ExitCode.DONE


def evaluate_and_print(store: Store, run_id: str) -> None:
    """Evaluate one run over all respondents and print it.

    Raises:
        UserInputError: there is no such run. StoreError: a file is damaged or cannot be written.
    """
    from cli.evaluation_view import evaluated, show_evaluation

    show_evaluation(store, evaluated(store, run_id, ("all",)))
