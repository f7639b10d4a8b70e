"""Training and validation files from a plan: prompts as they will be asked, human answers behind them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from finetuning.preparing.balance import balanced_lines
from finetuning.preparing.gathering import Gathered, Gathering
from finetuning.preparing.plan_tasks import PlanTasks, ids_sha256, plan_requests, plan_tasks
from finetuning.preparing.shuffle import Shuffle
from schemas.errors import UserInputError
from schemas.models import Model
from schemas.run import RunManifest
from schemas.tuning import TrainingForm, TuningManifest, WrittenFile
from storage.runs import load_codebook, load_manifest
from storage.store import Store
from storage.trouble import store_error

TRAINING, VALIDATION, MANIFEST = "training.jsonl", "validation.jsonl", "manifest.json"
_BOM = b"\xef\xbb\xbf"
_FILES = {"train": TRAINING, "validation": VALIDATION}


@dataclass(frozen=True)
class PrepareOptions:
    """How files are written.

    Attributes:
        seed: of the order.
        form: chat, or prompt and completion; None: as the arm's model is asked.
        bom: begin the files with a byte-order mark, as Azure's pages ask; None: as the model's `tuning.bom` says.
        balance: repeat rare answers until all are as common; breaks the marginals.
        questions: only these; None: all of the arm.
        weights: in chat form, answers inside a prompt are marked as not to be learned.
    """

    seed: int = 42
    form: TrainingForm | None = None
    bom: bool | None = None
    balance: bool = False
    questions: tuple[str, ...] | None = None
    weights: bool = True


def prepare(
    store: Store, run_id: str, arm: str, out_dir: Path, *, options: PrepareOptions, now: datetime
) -> TuningManifest:
    """Write training.jsonl, validation.jsonl and manifest.json.

    Args:
        store: where the planned run is.
        run_id: of the plan; nothing needs to have been called.
        arm: whose prompts are the training prompts.
        out_dir: made if missing; files of that name are replaced.
        options: form, order, balance.
        now: aware; stands in the manifest.

    Raises:
        UserInputError: the plan has no such arm, or one that cannot be trained on.
        StoreError: a file cannot be read or written.
    """
    run = load_manifest(store, run_id)
    _check_arm(run, arm, options)
    form, asked = _form(run, arm, options), run.models.get(str(run.study.arms[arm].model))
    tasks = plan_tasks(store, run_id, arm)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with _shuffles(out_dir, options.seed) as shuffles:
            gathering = Gathering(run.study.arms[arm], load_codebook(store, run_id).questions, shuffles, form)
            gathered = gathering.take(
                tasks, plan_requests(store, run_id), questions=options.questions, weights=options.weights
            )
            options = replace(options, bom=_bom(asked, options))
            training = _write(out_dir / TRAINING, shuffles["train"], options, balance=options.balance)
            validation = _write(out_dir / VALIDATION, shuffles["validation"], options, balance=False)
            n_duplicates = sum(shuffle.n_duplicates for shuffle in shuffles.values())
        written = _Written(form, training, validation, n_duplicates)
        manifest = _manifest(run, arm, tasks, gathered, written, options=options, now=now)
        (out_dir / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        (out_dir / MANIFEST).chmod(0o600)
    except OSError as e:
        raise store_error(e, out_dir, "write") from e
    seen = tasks.test_ids & (gathered.ids["train"] | gathered.ids["validation"])
    assert not seen or manifest.split_by == "row", "a respondent has one split"
    return manifest


@contextmanager
def _shuffles(out_dir: Path, seed: int) -> Iterator[dict[str, Shuffle]]:
    """Split -> the shuffle of its lines, each with a folder of its own that goes with it."""
    with ExitStack() as opened:
        shuffles = {}
        for split in _FILES:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=out_dir)))
            shuffles[split] = opened.enter_context(Shuffle(folder, seed=seed))
        yield shuffles


class _Written(NamedTuple):
    form: TrainingForm
    training: WrittenFile
    validation: WrittenFile
    n_duplicates: int


def _manifest(
    run: RunManifest,
    arm: str,
    tasks: PlanTasks,
    gathered: Gathered,
    written: _Written,
    *,
    options: PrepareOptions,
    now: datetime,
) -> TuningManifest:
    asked = run.models.get(str(run.study.arms[arm].model))
    return TuningManifest(
        study=run.study.study,
        arm=arm,
        form=written.form,
        seed=options.seed,
        plan_sha256=run.hashes["plan"],
        survey_sha256=run.hashes["survey"],
        created_at=now,
        training=written.training,
        validation=written.validation if written.validation.n_lines else None,
        training_ids=sorted(gathered.ids["train"]),
        validation_ids=sorted(gathered.ids["validation"]),
        test_sha256=ids_sha256(tasks.test_ids),
        n_test=len(tasks.test_ids),
        counts={question: dict(sorted(counts.items())) for question, counts in sorted(gathered.counts.items())},
        n_duplicates=written.n_duplicates,
        n_without_answer=tasks.n_without_answer + gathered.n_without,
        n_without_earlier=gathered.n_cut,
        balanced=options.balance,
        split_by=run.study.split.by,
        entry_name=run.study.arms[arm].model,
        model=None if asked is None else asked.model,
        window_tokens=None if asked is None else asked.context_window_tokens,
        month_usd=run.study.budget.month_usd,
    )


def _check_arm(run: RunManifest, arm: str, options: PrepareOptions) -> None:
    found = run.study.arms.get(arm)
    if found is None:
        raise UserInputError(f"the plan has no arm {arm!r}.", where="--arm", hint=f"Arms: {', '.join(run.study.arms)}.")
    if found.imported is not None:
        raise UserInputError(f"the arm {arm!r} is imported: it asks nothing.", where="--arm")
    if found.route is not None:
        hint = "Train one of the arms that it asks."
        raise UserInputError(f"the arm {arm!r} asks through others, each in its own way.", where="--arm", hint=hint)
    if found.strategy in ("chain_of_thought", "stated") or found.last_line:
        hint = "Train an arm that asks for the answer only, as strategy basic or logprobs do."
        raise UserInputError(
            f"the arm {arm!r} asks for reasons or percentages, which no human answer has.", where="--arm", hint=hint
        )
    unknown = [name for name in options.questions or () if name not in run.study.questions]
    if unknown:
        raise UserInputError(f"the study has no question {unknown[0]!r}.", where="--question")


def _form(run: RunManifest, arm: str, options: PrepareOptions) -> TrainingForm:
    model = run.models.get(str(run.study.arms[arm].model))
    if model is None or model.family != "completion":
        return "chat" if options.form is None else options.form
    if options.form == "chat":
        hint = "Leave `--form` out: such a model is trained on prompts and completions."
        raise UserInputError(f"the arm {arm!r} asks a completion model, with prompts.", where="--form", hint=hint)
    return "completion"


def _bom(asked: Model | None, options: PrepareOptions) -> bool:
    if options.bom is not None:
        return options.bom
    return asked is not None and asked.tuning is not None and asked.tuning.bom


def _write(path: Path, shuffle: Shuffle, options: PrepareOptions, *, balance: bool) -> WrittenFile:
    lines: Iterator[bytes] = shuffle.lines()
    if balance:
        lines = balanced_lines(list(lines), seed=options.seed)
    digest, n_lines, n_bytes = sha256(), 0, 0
    with path.open("wb") as out:
        for line in lines:
            text = _BOM + line if options.bom and not n_lines else line
            out.write(text)
            digest.update(text)
            n_lines += 1
            n_bytes += len(text)
    return WrittenFile(name=path.name, sha256=digest.hexdigest(), n_lines=n_lines, n_bytes=n_bytes)


def read_tuning_manifest(folder: Path) -> TuningManifest:
    """The manifest beside training files.

    Raises:
        UserInputError: there is none, or it is no manifest.
    """
    path = folder / MANIFEST
    try:
        return TuningManifest.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError as e:
        hint = "`nightpoll finetune prepare` writes one beside the files."
        raise UserInputError("there is no manifest.", where=str(path), hint=hint) from e
    except (OSError, ValueError) as e:
        raise UserInputError("this is no manifest of training files.", where=str(path)) from e
