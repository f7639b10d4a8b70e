"""models: the registry of tuned models: versions, promotion, rollout, rollback.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import MOST, JsonOpt, examples
from cli.context import load_settings, load_store
from cli.views.console import out, print_json
from schemas.errors import ExitCode, UserInputError

NameArg = Annotated[str, typer.Argument(help="Name of a registered model.")]
VersionOpt = Annotated[str, typer.Option(help="A version, as `models show` lists them.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The registry of tuned models.", no_args_is_help=True)
    group.command("list", epilog=examples("nightpoll models list"))(list_models)
    group.command(epilog=examples("nightpoll models show npors-tuned"))(show)
    group.command(
        epilog=examples(
            "nightpoll models compare npors-tuned mini --study study.yaml --pilot 200",
            "nightpoll models compare npors-tuned@v2 npors-tuned@v1 --study study.yaml --like basic --yes --json",
            "nightpoll models compare RUN --arm tuned --against basic",
        )
    )(compare)
    group.command(
        epilog=examples(
            "nightpoll models promote npors-tuned --version v2 --run RUN --arm tuned --against basic",
            "nightpoll models promote npors-tuned --version v1 --run RUN",
            'nightpoll models promote npors-tuned --version v1 --force "judged by hand"',
        )
    )(promote)
    group.command(epilog=examples("nightpoll models rollout npors-tuned --version v2 --share 10%"))(rollout)
    group.command(epilog=examples("nightpoll models rollback npors-tuned"))(rollback)
    group.command(
        epilog=examples(
            "nightpoll models retire npors-tuned --version v1",
            "nightpoll models retire npors-tuned --version v2 --live",
        )
    )(retire)
    app.add_typer(group, name="models")


def list_models(as_json: JsonOpt = False) -> int:
    """Registered models and what is in service of each."""
    from cli.views.registry import models_document, show_models
    from storage.tuning_records import load_registry

    store = load_store(load_settings())
    document = models_document(store, load_registry(store), datetime.now(UTC))
    print_json({"models": document}) if as_json else show_models(document)
    return ExitCode.DONE


def show(name: NameArg, as_json: JsonOpt = False) -> int:
    """Every version of a model: what it was trained on, what it cost, how it was judged."""
    from cli.views.registry import model_document, show_model
    from storage.tuning_records import load_registry

    store = load_store(load_settings())
    document = model_document(store, load_registry(store), name, datetime.now(UTC))
    print_json(document) if as_json else show_model(document)
    return ExitCode.DONE


def compare(
    first: Annotated[str, typer.Argument(metavar="A|RUN", help="Model, or a run that asked both arms.")],
    second: Annotated[str | None, typer.Argument(metavar="[B]", help="Model to compare A with.")] = None,
    study: Annotated[Path | None, typer.Option(help="Whose questions, personas and test split both get.")] = None,
    like: Annotated[
        str | None, typer.Option(help="Arm whose prompts both get; default: the first that asks a model.")
    ] = None,
    pilot: Annotated[int | None, typer.Option(min=1, help="Only so many test respondents, a nested sample.")] = None,
    run_id: Annotated[str | None, typer.Option(help="Name of the new run; default: study and time.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Reuse no earlier answer.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    arm: Annotated[str | None, typer.Option(help="With a run: arm of the candidate.")] = None,
    against: Annotated[str | None, typer.Option(help="With a run: arm, or baseline, to compare with.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Two models on the same held-out respondents: accuracy, log loss, tokens, cost, latency, answers, a verdict.

    With A, B and --study both are asked in a run of their own, after its cost was shown. A model is a name of the
    models file or of the registry, or NAME@VERSION. With a run nobody is asked: two of its arms are compared.
    """
    if second is not None and study is not None:
        from cli.model_duel import Duel, compare_models

        return compare_models(Duel(first, second, study, like, pilot, run_id, fresh), yes=yes, as_json=as_json)
    if second is not None or study is not None or arm is None or against is None:
        hint = "`models compare A B --study STUDY` asks two models; `models compare RUN --arm X --against Y` asks none."
        raise UserInputError("it is not clear what is compared.", where="compare", hint=hint)
    from cli.views.comparison import compared, show_comparison

    found = compared(load_store(load_settings()), first, arm, against)
    print_json(found) if as_json else show_comparison(found)
    return ExitCode.DONE


def promote(
    name: NameArg,
    version: VersionOpt,
    run: Annotated[str | None, typer.Option(help="Run that asked the version and its rival.")] = None,
    arm: Annotated[str | None, typer.Option(help="Arm of the version; default: the one that asked it.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Rival; default: the arm of the live version, or of the base model.")
    ] = None,
    margin_points: Annotated[
        float, typer.Option(min=0, max=MOST, help="Points of accuracy that count as no worse.")
    ] = 1.0,
    margin: Annotated[float, typer.Option(min=0, max=MOST, help="Nats of log loss that count as no worse.")] = 0.01,
    margin_tv: Annotated[
        float,
        typer.Option(
            min=0, max=MOST, help="Total variation that counts as no worse, where an arm has no probabilities."
        ),
    ] = 0.01,
    force: Annotated[str | None, typer.Option(help="Promote all the same, for this reason.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """Put a version into service if it is not worse on held-out respondents; else exit code 9 and the figure."""
    from cli.views.promotion import Rule, excuse, promote_version

    rule = Rule(run, arm, against, margin_points, margin, margin_tv, force)
    done = promote_version(load_store(load_settings()), name, version, rule)
    if as_json:
        print_json(done)
    else:
        out.print(done["sentence"], markup=False)
        if said := excuse(done):
            out.print(said, markup=False)
    return ExitCode.DONE if done["promoted"] else ExitCode.CHECK_SAID_NO


def rollout(
    name: NameArg,
    version: VersionOpt,
    share: Annotated[str, typer.Option(help="Share of respondents, as 10%; 0% ends it.")],
    as_json: JsonOpt = False,
) -> int:
    """Let a version answer for a share of respondents beside the live one, always the same ones and nested."""
    from cli.tuning.dates import refuse_retired
    from cli.views.registry import model_document, parsed_share, show_model
    from finetuning.versions.registry import rollout as roll_out
    from storage.tuning_records import load_registry

    store = load_store(load_settings())
    beside = load_registry(store).models.get(name)
    found = None if beside is None else beside.version(version)
    if found is not None and parsed_share(share) > 0:
        refuse_retired(f"{name}@{version}", found.entry)
    registry = roll_out(store, name, version, parsed_share(share))
    document = model_document(store, registry, name, datetime.now(UTC))
    print_json(document) if as_json else show_model(document)
    return ExitCode.DONE


def rollback(name: NameArg, as_json: JsonOpt = False) -> int:
    """End a rollout, or put the version before back into service."""
    from cli.views.registry import model_document, show_model
    from finetuning.versions.registry import rollback as roll_back

    store = load_store(load_settings())
    document = model_document(store, roll_back(store, name), name, datetime.now(UTC))
    print_json(document) if as_json else show_model(document)
    return ExitCode.DONE


def retire(
    name: NameArg,
    version: VersionOpt,
    live: Annotated[
        bool, typer.Option("--live", help="Even the one in service: none is then, and studies that ask it are refused.")
    ] = False,
    as_json: JsonOpt = False,
) -> int:
    """Take a version out of use until it is registered again; runs planned with it keep it."""
    from cli.views.registry import model_document, show_model
    from finetuning.versions.registry import retire as retire_version

    store = load_store(load_settings())
    document = model_document(store, retire_version(store, name, version, live=live), name, datetime.now(UTC))
    print_json(document) if as_json else show_model(document)
    return ExitCode.DONE
