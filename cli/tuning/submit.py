"""submit: check the files, say the cost, ask, start."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer

from cli.context import load_environ, load_settings, load_store
from cli.tuning.context import model_entry, tuning_of
from cli.tuning.dates import refuse_training
from cli.tuning.entries import keep_entry
from cli.tuning.following import exit_code
from cli.tuning.jobs import Wanted, as_bought, submit, wanted_job
from cli.tuning.month import refuse_over_month
from cli.views.console import err, out, print_json, print_problem
from finetuning.checking.advice import suggested, training_usd
from finetuning.checking.check_file import check_file
from finetuning.jobs.submit import TrainingFiles
from finetuning.preparing.prepare import MANIFEST, TRAINING, VALIDATION, read_tuning_manifest
from schemas.dollars import dollars
from schemas.errors import ExitCode, UserInputError
from schemas.tuning import ENDED, TuningLedger
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
    again: bool
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
    wanted = Wanted(asked.model, entry, asked.suffix, asked.hyperparameters, asked.seed, asked.start_from)
    files = TrainingFiles(training, validation)
    begun = wanted_job(store, files, wanted, environ, again=asked.again)
    given = asked.hyperparameters.get("n_epochs")
    epochs = int(given) if given is not None else suggested(report.n_examples).n_epochs
    usd = training_usd(report, n_epochs=epochs, usd_per_million=tuning_of(entry).usd_per_million_tokens)
    was_started = begun.job_id is not None
    if was_started:
        keep_entry(store, begun)
        ledger = begun
    else:
        refuse_training(asked.model, entry, "models file")
        bound = partial(refuse_over_month, store, usd=usd, limit_usd=_month_usd(asked, training))
        bound(known=load_ledger(store, begun.key))
        size = f"{report.n_examples:,} examples, {report.n_tokens:,} tokens"
        err.print(f"{size}, {_bill(epochs, usd, is_given=given is not None)}", markup=False)
        if not yes:
            _ask()
        begun = begun.model_copy(update={"estimated_usd": usd})  # from the first write on: a crash must not lose it
        # looked at again where the others see this one, too: of two commands at once at most one buys
        ledger = submit(store, begun, files, environ, allow=lambda held: bound(known=held))
        as_bought(store, ledger.key, usd)
    if as_json:
        found = {"key": ledger.key, "job": ledger.job_id, "state": ledger.state, "estimated_usd": usd, "epochs": given}
        print_json(found | {"started_before": was_started})
    else:
        _show(ledger, was_started=was_started)
    return exit_code(ledger)


def _bill(epochs: int, usd: float | None, *, is_given: bool) -> str:
    """Epochs and cost, as far as they are known before the service says."""
    told = "unknown cost" if usd is None else f"about {dollars(usd)}"
    if is_given:
        return f"{epochs} epochs: {told}."
    if usd is None:
        return f"as many epochs as the service chooses: {told}; `--epochs` says how many."
    return (
        f"as many epochs as the service chooses: {told} if it takes {epochs}, {dollars(usd / epochs)} for each; "
        "`--epochs` says how many."
    )


def _show(ledger: TuningLedger, *, was_started: bool) -> None:
    """A new job, or one that this very command started before, and what can be done now."""
    if not was_started:
        out.print(f"job {ledger.key}: {ledger.job_id}", markup=False)
        out.print(f"\nNext: nightpoll finetune watch {ledger.key}", markup=False)
        return
    at = f"{ledger.created_at:%Y-%m-%d %H:%M} UTC"
    out.print(f"job {ledger.key}: {ledger.job_id}, started before, at {at}: {ledger.state}", markup=False)
    if ledger.error:
        out.print(f"error: {ledger.error}", style="red", markup=False)
    if ledger.tuned_model:
        out.print(f"model: {ledger.tuned_model}", markup=False)
    if ledger.state == "succeeded":
        out.print(f"\nNext: nightpoll finetune deploy {ledger.key} --register NAME", markup=False)
    elif ledger.state not in ENDED:
        out.print(f"\nNext: nightpoll finetune watch {ledger.key}", markup=False)
    if ledger.state in ENDED:
        out.print("The same command with --again trains it once more, and is billed once more.", markup=False)


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
