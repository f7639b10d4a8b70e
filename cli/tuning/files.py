"""prepare and check: training files from a plan, and what is wrong with any."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.context import load_environ, load_store
from cli.opening import checked_study, discard, plan_into_staging
from cli.views.console import out, print_problem
from finetuning.checking.advice import advice, suggested, training_usd
from finetuning.checking.check_file import FileReport, are_classes, ends_of, prompt_digest
from finetuning.preparing.plan_tasks import plan_requests
from finetuning.preparing.prepare import PrepareOptions, prepare
from schemas import run_paths
from schemas.completion_form import as_prompt
from schemas.errors import UserInputError
from schemas.settings import Settings
from schemas.tuning import TuningManifest
from storage.parts import read_table
from storage.store import Store


def prepare_files(source: str, arm: str, out_dir: Path, options: PrepareOptions, settings: Settings) -> TuningManifest:
    """Files from a run's plan, or from a study that is planned for the purpose and forgotten.

    Raises:
        UserInputError: neither a run nor a study.
    """
    store, now = load_store(settings), datetime.now(UTC)
    if not Path(source).exists():
        return prepare(store, source, arm, out_dir, options=options, now=now)
    if store.exists(run_paths.run_json(source)):
        hint = f"Write ./{source} for the file or folder."
        raise UserInputError(f"{source!r} is a run of the store and a path.", hint=hint)
    checked = checked_study(Path(source), settings, load_environ())
    planned = plan_into_staging(store, checked, run_id=None, pilot=None)
    try:
        staging = store.path(planned.staging)
        return prepare(Store(staging.parent), staging.name, arm, out_dir, options=options, now=now)
    finally:
        discard(store, planned)


def show_manifest(manifest: TuningManifest, out_dir: Path) -> None:
    """What was written."""
    for file in (manifest.training, manifest.validation):
        if file is not None:
            out.print(f"{out_dir / file.name}: {file.n_lines:,} lines, {file.n_bytes / 1e6:,.1f} MB", markup=False)
    out.print(
        f"{len(manifest.training_ids):,} training and {len(manifest.validation_ids):,} validation respondents; "
        f"{manifest.n_test:,} test respondents are in neither file.",
        markup=False,
    )
    if manifest.n_without_earlier:
        text = f"{manifest.n_without_earlier:,} answers are left out: an earlier one of their conversation is missing."
        out.print(text, markup=False)
    if manifest.balanced:
        text = "Balanced: the model will answer as if every option were as common. Its marginals mean nothing."
        out.print(text, style="yellow", markup=False)
    out.print(f"\nNext: nightpoll finetune check {out_dir / manifest.training.name}", markup=False)


def held_out_prompts(store: Store, run_id: str, arm: str) -> set[bytes]:
    """Digests of prompts, in either form, that only test respondents have; one that others share proves nothing."""
    rows = read_table(store, run_paths.tasks(run_id), ["request_id", "arm", "split"]).to_pylist()
    test = {row["request_id"] for row in rows if row["arm"] == arm and row["split"] == "test"}
    trained = {row["request_id"] for row in rows if row["arm"] == arm and row["split"] != "test"}
    of_test, others = set[bytes](), set[bytes]()
    for requests in plan_requests(store, run_id):
        for request_id, turns in zip(requests["request_id"].to_pylist(), requests["turns"].to_pylist(), strict=True):
            if request_id in test or request_id in trained:
                messages = json.loads(turns)[0]
                mine = others if request_id in trained else of_test
                mine.add(prompt_digest(tuple(m["content"] for m in messages)))
                mine.add(prompt_digest((as_prompt(messages),)))
                mine.add(prompt_digest((messages[-1]["content"],)))  # whatever a foreign file says before it
    return of_test - others


def report_document(report: FileReport, *, n_epochs: int | None, usd_per_million: float | None) -> dict[str, Any]:
    """For --json."""
    epochs = suggested(report.n_examples).n_epochs if n_epochs is None else n_epochs
    return {
        "file": str(report.path),
        "ok": report.n_errors == 0,
        "form": "chat" if report.is_chat else "completion",
        "lines": report.n_lines,
        "examples": report.n_examples,
        "tokens": report.n_tokens,
        "longest_tokens": report.longest_tokens,
        "epochs": epochs,
        "training_usd": training_usd(report, n_epochs=epochs, usd_per_million=usd_per_million),
        "prompts": report.n_prompts,
        "ambiguous_prompts": report.n_ambiguous,
        "identical_lines": report.n_identical,
        "noise_ceiling": report.noise_ceiling,
        "answers": {question: dict(answers) for question, answers in report.classes.items()},
        "own_words": {q: len(answers) for q, answers in report.answers.items() if q not in report.classes},
        "counts": dict(report.n_by_code),
        "problems": [asdict(problem) for problem in report.problems],
        "suggested": suggested(report.n_examples)._asdict(),
        "advice": advice(report),
    }


def show_report(report: FileReport, document: dict[str, Any]) -> None:
    """The report for people."""
    for problem in report.problems:
        print_problem(problem)
    hidden = sum(report.n_by_code.values()) - len(report.problems)
    if hidden:
        out.print(f"... and {hidden:,} more of the same kinds.", markup=False)
    usd = document["training_usd"]
    cost = "cost unknown: no `tuning.usd_per_million_tokens`" if usd is None else f"US$ {usd:,.2f}"
    out.print(
        f"{report.n_examples:,} examples ({document['form']}), {report.n_tokens:,} tokens, the longest "
        f"{report.longest_tokens:,}; {document['epochs']} epochs: {cost}.",
        markup=False,
    )
    for question, answers in list(report.answers.items())[:20]:
        shares = ", ".join(f"{answer} {n:,}" for answer, n in answers.most_common(8))
        if not are_classes(answers):
            shares = f"{len(answers):,} different answers, not shown"
        out.print(f"  {ends_of(question, 70) or 'answers'}: {shares}", markup=False)
    for sentence in document["advice"]:
        out.print(sentence, markup=False)
