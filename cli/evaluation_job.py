"""Evaluations that workers do: asking for them, and what they are doing."""

from collections.abc import Sequence
from pathlib import Path

from cli.context import load_environ, load_settings
from cli.session import workers_for
from cli.views.console import out, print_json
from schemas.errors import ExitCode, UserInputError
from storage.store import Store
from workers.evaluations.jobs import ask_for_evaluation

THEN = ("evaluate", "report")


def ask_for_evaluations(
    store: Store, runs: Sequence[str], *, splits: object, report: Path | None, humans: Path | None, as_json: bool
) -> int:
    """Have each run evaluated once it has ended.

    Raises:
        UserInputError: an option that only works in this process.
    """
    if splits or humans is not None or report not in (None, Path("-")):
        raise UserInputError(
            "--background scores all respondents and writes into the run's folder.",
            where="evaluate",
            hint="Leave out --split and --humans; --report takes `-` then.",
        )
    with workers_for(store, load_settings(), load_environ(), {}):
        for run in runs:
            ask_for_evaluation(store, run, with_report=report is not None)
    if as_json:
        print_json({"asked": list(runs)})
    else:
        for run in runs:
            out.print(f"{run} will be evaluated; `nightpoll status {run}` tells when.", markup=False)
    return ExitCode.DONE


def checked_then(text: str | None) -> tuple[str, ...]:
    """What is to follow a run, from `evaluate,report`.

    Raises:
        UserInputError: an unknown step.
    """
    steps = tuple(step.strip() for step in text.split(",")) if text else ()
    unknown = [step for step in steps if step not in THEN]
    if unknown:
        raise UserInputError(
            f"{', '.join(unknown)} cannot follow a run.", where="--then", hint=f"Use {','.join(THEN)}."
        )
    return steps


def ask_after_run(store: Store, run_id: str, steps: Sequence[str]) -> None:
    """Record what is to follow a run."""
    if steps:
        ask_for_evaluation(store, run_id, with_report="report" in steps)
