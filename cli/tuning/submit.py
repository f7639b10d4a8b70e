"""submit: check the files, say the cost, ask, start."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from cli.context import load_environ, load_settings, load_store
from cli.tuning.context import model_entry, tuning_of
from cli.tuning.jobs import Wanted, as_bought, begun_ledger, submit
from cli.tuning.month import refuse_over_month
from cli.views.console import err, out, print_json, print_problem
from finetuning.advice import suggested, training_usd
from finetuning.check_file import check_file
from finetuning.prepare import MANIFEST, TRAINING, VALIDATION, read_tuning_manifest
from finetuning.submit import TrainingFiles
from schemas.errors import ExitCode, UserInputError
from storage.tuning_records import load_ledger


@dataclass(frozen=True)
class Asked:
    """The command line of submit."""

    files: Path
    validation: Path | None
    model: str
    models: Path | None
    start_from: str | None
    suffix: str | None
    hyperparameters: dict[str, Any]
    seed: int | None
    again: int
    month_usd: float | None


def submit_files(asked: Asked, *, yes: bool, as_json: bool) -> int:
    """Start a job, or find the one that was started; returns the exit code.

    Raises:
        UserInputError: files or settings are wrong. BudgetError: the month has no room for it.
        ModelError: the service refused.
    """
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    entry = model_entry(asked.model, asked.models, settings)
    training, validation = _files(asked)
    report = check_file(training, model=entry.model, window_tokens=entry.context_window_tokens)
    if report.n_errors:
        for problem in report.problems:
            print_problem(problem)
        return ExitCode.CHECK_SAID_NO
    if report.is_chat == (entry.family == "completion"):
        form, hint = ("chat", "completion") if report.is_chat else ("completion", "chat")
        what = f"the file is in the {form} form, and {asked.model} is of `family: {entry.family}`."
        raise UserInputError(what, where=str(training), hint=f"`finetune prepare --form {hint}` writes the other form.")
    wanted = Wanted(asked.model, entry, asked.suffix, asked.hyperparameters, asked.seed, asked.start_from, asked.again)
    begun = begun_ledger(store, training, validation, wanted)
    epochs = int(asked.hyperparameters.get("n_epochs", suggested(report.n_examples).n_epochs))
    usd = training_usd(report, n_epochs=epochs, usd_per_million=tuning_of(entry).usd_per_million_tokens)
    known = load_ledger(store, begun.key)
    is_new = known is None or known.job_id is None
    if is_new:
        refuse_over_month(store, usd=usd, limit_usd=_month_usd(asked, training), known=known)
        told = "unknown cost" if usd is None else f"about US$ {usd:,.2f}"
        err.print(f"{report.n_examples:,} examples, {report.n_tokens:,} tokens, {epochs} epochs: {told}.", markup=False)
        if not yes:
            _ask()
    begun = begun.model_copy(update={"estimated_usd": usd})  # from the first write on: a crash must not lose it
    ledger = submit(store, begun, TrainingFiles(training, validation), environ)
    if is_new:
        as_bought(store, ledger.key, usd)
    if as_json:
        print_json({"key": ledger.key, "job": ledger.job_id, "state": ledger.state, "estimated_usd": usd})
        return ExitCode.DONE
    was = "" if is_new else " (started before)"
    out.print(f"job {ledger.key}: {ledger.job_id}{was}", markup=False)
    out.print(f"\nNext: nightpoll finetune watch {ledger.key}", markup=False)
    return ExitCode.DONE


def _month_usd(asked: Asked, training: Path) -> float | None:
    """The bound that was given, else that of the study which the files were prepared from."""
    if asked.month_usd is not None or not (training.parent / MANIFEST).exists():
        return asked.month_usd
    return read_tuning_manifest(training.parent).month_usd


def _files(asked: Asked) -> tuple[Path, Path | None]:
    if not asked.files.is_dir():
        return asked.files, asked.validation
    validation = asked.files / VALIDATION
    has_lines = validation.is_file() and validation.stat().st_size > 0
    return asked.files / TRAINING, validation if has_lines else asked.validation


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UserInputError("a training costs money and nobody is here to ask.", hint="Add --yes.")
    if not typer.confirm("Start the job?"):
        raise typer.Abort
