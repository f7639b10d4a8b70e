"""check: a training file, whoever made it, as a report, and repaired if that is asked for."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cli.context import load_settings, load_store
from cli.tuning.files import held_out_prompts, report_document, show_report
from cli.tuning.subject import Subject, arm_model, subject_of
from cli.views.console import out, print_json
from finetuning.checking.check_file import FileReport, check_file
from finetuning.checking.fix_file import fix_file, refuse_same_file
from finetuning.preparing.prepare import MANIFEST, read_tuning_manifest
from schemas.errors import ExitCode, Problem, UserInputError
from schemas.tuning import TuningManifest

NOTHING_TO_REPAIR = "no line is usable: no file was written."


@dataclass(frozen=True)
class CheckAsked:
    """The command line of check."""

    file: Path
    model: str | None
    models: Path | None
    window: int | None
    run: str | None
    arm: str | None
    epochs: int | None
    price: float | None
    fix: Path | None
    seed: int


def check_training_file(asked: CheckAsked, *, as_json: bool) -> int:
    """Check, repair into a new file if asked, print; returns the exit code.

    Raises:
        UserInputError: a file cannot be read or written, or options do not fit.
    """
    if (asked.run is None) != (asked.arm is None):
        raise UserInputError("--run and --arm need each other.", where="check")
    if asked.fix is not None:
        refuse_same_file(asked.file, asked.fix)
    settings = load_settings()
    held_out: set[bytes] = set()
    model = None
    if asked.run is not None and asked.arm is not None:
        store = load_store(settings)
        model = arm_model(store, asked.run, asked.arm)
        held_out = held_out_prompts(store, asked.run, asked.arm)
    manifest = _manifest_beside(asked.file)
    subject = subject_of(asked.model, asked.models, settings, manifest, model)
    window = asked.window if asked.window is not None else subject.window_tokens
    price = asked.price if asked.price is not None else subject.usd_per_million_tokens
    report = check_file(asked.file, model=subject.model, window_tokens=window, held_out=held_out)
    for problem in _not_looked_for(asked, subject, window, manifest):
        report.add(problem)
    document = report_document(report, n_epochs=asked.epochs, usd_per_million=price)
    document |= {"model": subject.model if subject.model else None, "window_tokens": window}
    if not as_json:
        show_report(report, document)
    changes = _repaired(asked, report)
    has_copy = changes not in ([], [NOTHING_TO_REPAIR])
    left = _left_in(asked.fix, subject.model, window, held_out) if has_copy else None
    if as_json:
        print_json(document | {"fixed": changes, "left": left})
    else:
        for change in [*changes, *_told_left(left)]:
            out.print(f"{asked.fix}: {change}", markup=False)
    return ExitCode.CHECK_SAID_NO if report.n_errors else ExitCode.DONE


def _repaired(asked: CheckAsked, report: FileReport) -> list[str]:
    if asked.fix is None:
        return []
    changes = fix_file(asked.file, asked.fix, seed=asked.seed) if report.n_lines else []
    return changes if changes else [NOTHING_TO_REPAIR]


def _left_in(fixed: Path | None, model: str, window: int | None, held_out: set[bytes]) -> dict[str, int]:
    """What no repair could mend: kinds of errors of the new file, with how often."""
    if fixed is None:
        return {}
    again = check_file(fixed, model=model, window_tokens=window, held_out=held_out)
    return {code: again.n_by_code[code] for code in sorted(again.error_codes)}


def _told_left(left: dict[str, int] | None) -> list[str]:
    if left is None:
        return []
    if not left:
        return ["passes the check"]
    told = ", ".join(f"{code} {n:,}" for code, n in left.items())
    return [f"errors that are left for you: {told}; `nightpoll finetune check` names the lines"]


def _manifest_beside(file: Path) -> TuningManifest | None:
    """The manifest that tells of this very file."""
    if not (file.parent / MANIFEST).is_file() or not file.is_file():
        return None
    try:
        manifest = read_tuning_manifest(file.parent)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (UserInputError, OSError):
        return None  # a foreign manifest.json is no fault of the file's
    files = (manifest.training, manifest.validation)
    return manifest if any(one is not None and one.sha256 == digest for one in files) else None


def _not_looked_for(
    asked: CheckAsked, subject: Subject, window: int | None, manifest: TuningManifest | None
) -> list[Problem]:
    """What this check could not say, and what it needs."""
    found = []
    if window is None:
        named = f"the window of {subject.model} is" if subject.model else "no model was named, so its window is"
        hint = (
            "Give `--window TOKENS`, or `--model NAME` of an entry of the models file that says "
            "`context_window_tokens`."
        )
        what = f"{named} unknown: lines over it were not looked for."
        found.append(Problem(what, asked.file.name, hint, "note", "window_unknown"))
    if asked.run is None and manifest is None:
        what = "test respondents were not looked for: no manifest tells of this file."
        hint = "`--run RUN --arm ARM` looks for the prompts of a run's test respondents."
        found.append(Problem(what, asked.file.name, hint, "note", "leakage_unknown"))
    return found
