"""finetune: from a plan to training files, jobs and deployments.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import MOST, JsonOpt, examples
from cli.context import load_environ, load_settings, load_store
from cli.views.console import out, print_json
from schemas.errors import ExitCode

JobArg = Annotated[str, typer.Argument(help="Key or id of a job, or the beginning of one; `finetune list` shows them.")]
ModelsOpt = Annotated[Path | None, typer.Option(help="Models file; default: NIGHTPOLL_MODELS, else models.yaml here.")]


class FormName(StrEnum):
    """Forms of training files."""

    CHAT = "chat"
    COMPLETION = "completion"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Training files, fine-tuning jobs and deployments.", no_args_is_help=True)
    group.command(
        epilog=examples(
            "nightpoll finetune prepare study.yaml --arm basic",
            "nightpoll finetune prepare RUN --arm basic --out tuning --form completion",
        )
    )(prepare)
    group.command(
        epilog=examples(
            "nightpoll finetune check tuning/training.jsonl",
            "nightpoll finetune check other.jsonl --model mini --run RUN --arm basic",
            "nightpoll finetune check other.jsonl --fix mended.jsonl",
        )
    )(check)
    group.command(
        epilog=examples(
            "nightpoll finetune submit tuning --model mini --suffix npors --yes",
            "nightpoll finetune submit tuning --model mini --epochs 3 --seed 7",
            "nightpoll finetune submit tuning --model mini --again --yes",
        )
    )(submit)
    group.command("list", epilog=examples("nightpoll finetune list", "nightpoll finetune list --json"))(list_jobs)
    group.command(epilog=examples("nightpoll finetune watch JOB", "nightpoll finetune watch JOB --once"))(watch)
    group.command(epilog=examples("nightpoll finetune results JOB --chart curves.html"))(results)
    group.command(epilog=examples("nightpoll finetune pause JOB"))(pause)
    group.command(epilog=examples("nightpoll finetune resume JOB"))(resume)
    group.command(epilog=examples("nightpoll finetune cancel JOB"))(cancel)
    group.command(
        epilog=examples(
            "nightpoll finetune deploy JOB --register npors-tuned",
            "nightpoll finetune deploy JOB --name npors --checkpoint 120 --register npors-tuned",
        )
    )(deploy)
    group.command(epilog=examples("nightpoll finetune undeploy JOB"))(undeploy)
    app.add_typer(group, name="finetune")


def prepare(
    source: Annotated[str, typer.Argument(metavar="STUDY|RUN", help="Study, or a planned run of the store.")],
    arm: Annotated[str, typer.Option(help="Arm whose prompts are trained on.")],
    into: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("tuning"),
    form: Annotated[
        FormName | None, typer.Option(help="chat, or the older prompt and completion; default: as the arm is asked.")
    ] = None,
    question: Annotated[list[str] | None, typer.Option(help="Only this question; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of the order of lines.")] = 42,
    bom: Annotated[
        bool | None,
        typer.Option("--bom/--no-bom", help="Begin the files with a byte-order mark; default: `tuning.bom`."),
    ] = None,
    balance: Annotated[bool, typer.Option("--balance", help="Repeat rare answers. Breaks the marginals.")] = False,
    weight: Annotated[
        bool,
        typer.Option(
            "--weight/--no-weight",
            help="Chat form: answers inside a prompt (examples, an interview) get `weight` 0 and are not learned.",
        ),
    ] = True,
    as_json: JsonOpt = False,
) -> int:
    """Training and validation files from a plan: its own prompts, the human answers of training respondents.

    No test respondent is in either file, nobody without an answer is a target, and the manifest beside them proves it.
    """
    from cli.tuning.files import prepare_files, show_manifest
    from finetuning.preparing.prepare import PrepareOptions

    options = PrepareOptions(
        seed, None if form is None else form.value, bom, balance, tuple(question) if question else None, weight
    )
    manifest = prepare_files(source, arm, into, options, load_settings())
    if as_json:
        print_json(manifest.model_dump(mode="json", exclude={"training_ids", "validation_ids"}) | {"out": str(into)})
    else:
        show_manifest(manifest, into)
    return ExitCode.DONE


def check(
    file: Annotated[Path, typer.Argument(help="Training file, whoever made it.")],
    model: Annotated[
        str | None,
        typer.Option(help="Entry of the models file, or a model id; default: the arm's, the manifest's, the only one."),
    ] = None,
    models: ModelsOpt = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="Tokens one example may have; default: `context_window_tokens`.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run whose test respondents must not be in the file.")] = None,
    arm: Annotated[str | None, typer.Option(help="With --run: the arm whose prompts are compared.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="For the cost; default: as advised.")] = None,
    price: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="US$ per million training tokens; default: the models file's.")
    ] = None,
    fix: Annotated[Path | None, typer.Option(help="Write a repaired copy here.")] = None,
    seed: Annotated[int, typer.Option(help="With --fix: of the order of lines.")] = 42,
    as_json: JsonOpt = False,
) -> int:
    """Everything wrong with a training file, by line; tokens, cost and advice. Exit code 9 if it has errors."""
    from cli.tuning.checking import CheckAsked, check_training_file

    asked = CheckAsked(file, model, models, window, run, arm, epochs, price, fix, seed)
    return check_training_file(asked, as_json=as_json)


def submit(
    files: Annotated[Path, typer.Argument(help="Folder that `prepare` wrote, or a training file.")],
    model: Annotated[str, typer.Option(help="Entry of the models file to tune.")],
    models: ModelsOpt = None,
    validation: Annotated[Path | None, typer.Option(help="Validation file, if FILES is a file.")] = None,
    start_from: Annotated[str | None, typer.Option("--from", help="Tuned model to go on from.")] = None,
    suffix: Annotated[str | None, typer.Option(help="Stands in the tuned model's name.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the service's own.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Default: the service's own.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Multiplier; default: the service's own.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the training.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="If the job is over, train the very same once more; one that runs is found.")
    ] = False,
    month_usd: Annotated[
        float | None,
        typer.Option(min=0, max=MOST, help="Bound on the month's bill; default: the study's `budget.month_usd`."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    as_json: JsonOpt = False,
) -> int:
    """Check, upload and start a job. The same files and settings are the same job: nothing is started twice."""
    from cli.tuning.submit import Asked, submit_files

    given = {"n_epochs": epochs, "batch_size": batch_size, "learning_rate_multiplier": learning_rate}
    hyperparameters = {name: value for name, value in given.items() if value is not None}
    asked = Asked(files, validation, model, models, start_from, suffix, hyperparameters, seed, again, month_usd)
    return submit_files(asked, yes=yes, as_json=as_json)


def list_jobs(as_json: JsonOpt = False) -> int:
    """Jobs of this store: state, model, cost of training and hosting so far."""
    from cli.tuning.views import jobs_document, show_jobs
    from storage.tuning_records import list_ledgers

    document = jobs_document(list_ledgers(load_store(load_settings())), now=datetime.now(UTC))
    print_json({"jobs": document}) if as_json else show_jobs(document)
    return ExitCode.DONE


def watch(
    job: JobArg,
    once: Annotated[bool, typer.Option("--once", help="Look once and return.")] = False,
    every: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 10.0,
    chart: Annotated[Path | None, typer.Option(help="Write the curves here (HTML).")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Events as they come, and the curves at the end. Closing the terminal changes nothing."""
    from cli.tuning.following import watch as follow
    from cli.tuning.views import told
    from storage.tuning_records import find_ledger

    store = load_store(load_settings())
    seen = follow(store, find_ledger(store, job), load_environ(), once=once, every_s=every)
    return told(seen, chart, as_json=as_json)


def results(
    job: JobArg,
    chart: Annotated[Path | None, typer.Option(help="Write the curves here (HTML).")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Loss and accuracy by step, in the terminal and as a chart; of a job that is over without asking the service."""
    from cli.tuning.views import told
    from finetuning.jobs.watching import looked_before
    from storage.tuning_records import find_ledger

    store = load_store(load_settings())
    seen = looked_before(store, find_ledger(store, job))
    if seen is None:
        return watch(job, once=True, every=1.0, chart=chart, as_json=as_json)
    return told(seen, chart, as_json=as_json)


def pause(job: JobArg, as_json: JsonOpt = False) -> int:
    """Interrupt a running job."""
    return _act(job, "pause", as_json=as_json)


def resume(job: JobArg, as_json: JsonOpt = False) -> int:
    """Go on with a paused job."""
    return _act(job, "resume", as_json=as_json)


def cancel(job: JobArg, as_json: JsonOpt = False) -> int:
    """End a job; what was trained is billed."""
    return _act(job, "cancel", as_json=as_json)


def deploy(
    job: JobArg,
    name: Annotated[str | None, typer.Option(help="Azure: name of the deployment.")] = None,
    checkpoint: Annotated[int | None, typer.Option(help="Step of a checkpoint instead of the final model.")] = None,
    register: Annotated[str | None, typer.Option(help="Add it to the model registry under this name.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Put a tuned model where it can be asked (Azure), and register it as a candidate."""
    from cli.tuning.deploying import deploy_job
    from storage.tuning_records import find_ledger

    store = load_store(load_settings())
    done = deploy_job(
        store, find_ledger(store, job), load_environ(), name=name, checkpoint=checkpoint, register=register
    )
    if as_json:
        print_json(done)
        return ExitCode.DONE
    out.print(f"model: {done['model']}", markup=False)
    if done["deployment"] is not None:
        out.print(f"deployment: {done['deployment']}", markup=False)
    if done["version"] is not None:
        stays = "still live" if done["state"] == "live" else "a candidate"
        out.print(f"registered as {register}@{done['version']}, {stays}.", markup=False)
    return ExitCode.DONE


def undeploy(
    job: JobArg,
    name: Annotated[str | None, typer.Option(help="Only this deployment.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Take a job's deployments away, so that hosting is billed no longer; the model stays."""
    from cli.tuning.deploying import undeploy_job
    from storage.tuning_records import find_ledger

    store = load_store(load_settings())
    gone = undeploy_job(store, find_ledger(store, job), load_environ(), name)
    print_json({"undeployed": gone}) if as_json else out.print(f"undeployed: {', '.join(gone)}", markup=False)
    return ExitCode.DONE


def _act(job: str, action: str, *, as_json: bool) -> int:
    from cli.tuning.following import act
    from storage.tuning_records import find_ledger

    store = load_store(load_settings())
    ledger = act(store, find_ledger(store, job), action, load_environ())
    print_json({"key": ledger.key, "state": ledger.state}) if as_json else out.print(ledger.state, markup=False)
    return ExitCode.DONE
