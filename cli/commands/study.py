"""init, inspect, check, prompt, plan: everything about a study that calls no model.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import MOST, JsonOpt, StudyArg, examples
from cli.context import load_environ, load_settings, load_store
from cli.deadlines import HELP, ZONE_HELP, given_deadline
from cli.templates import BROUGHT_BY_THE_USER, TemplateName
from cli.views.console import out, print_json
from schemas.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples("nightpoll init my-study", "nightpoll init my-study --template npors2024"),
    )(init)
    app.command(
        epilog=examples(
            "nightpoll inspect survey.sav",
            "nightpoll inspect survey.sav --variable EDUCATION --variable AGE",
            "nightpoll inspect survey.dta --write-study study.yaml",
        )
    )(inspect)
    app.command(epilog=examples("nightpoll check study.yaml", "nightpoll check my-study --json"))(check)
    app.command(
        epilog=examples("nightpoll prompt study.yaml --respondent 12 --question PID --arm few_shot"),
    )(prompt)
    app.command(
        epilog=examples(
            "nightpoll plan study.yaml",
            "nightpoll plan study.yaml --pilot 100 --json",
            'nightpoll plan study.yaml --deadline "06:30 America/New_York" --budget 25',
            "nightpoll plan study.yaml --deadline 8h",
        )
    )(plan)


def init(
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder.")],
    template: Annotated[TemplateName, typer.Option(help="Study to start from.")] = "anes96",
    as_json: JsonOpt = False,
) -> int:
    """Start a study from one that ships: study.yaml, models.yaml, persona.j2 and the survey where it may be shipped."""
    from cli.templates import copy_template

    written = copy_template(template, folder)
    missing = BROUGHT_BY_THE_USER.get(template)
    if as_json:
        print_json({"folder": str(folder), "files": [str(path) for path in written], "bring": missing})
        return ExitCode.DONE
    for path in written:
        out.print(str(path), markup=False)
    if missing is not None:
        out.print(f"\nNext: put {missing} into {folder}; README.md there says where it comes from.", markup=False)
    out.print(f"\nNext: nightpoll check {folder}", markup=False)
    out.print("      nightpoll emulator         in another terminal: the models file points at it", markup=False)
    out.print(f"      nightpoll run {folder} --pilot 50", markup=False)
    return ExitCode.DONE


def inspect(
    survey: Annotated[
        Path, typer.Argument(help="Survey file: .sav, .zsav, .por, .dta, .sas7bdat, .csv, .tsv, .xlsx or .parquet.")
    ],
    write_study: Annotated[
        Path | None, typer.Option(help="Write a first study for it here; nothing is overwritten.")
    ] = None,
    variable: Annotated[list[str] | None, typer.Option(help="Only this variable, all values; may be repeated.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """What a survey file holds: variables, labels, shares, missing codes, candidates for id and weight, warnings."""
    from cli.views.inspect import inspection_document, show_inspection, write_draft
    from survey.drafting.inspect import inspect_file

    found = inspect_file(survey)
    names = [] if variable is None else variable
    document = inspection_document(found, names)
    if write_study is not None:
        write_draft(found, survey, write_study)
    if as_json:
        print_json(document | {"study": None if write_study is None else str(write_study)})
        return ExitCode.DONE
    show_inspection(found, names)
    if write_study is not None:
        out.print(f"\nWrote {write_study}. Next: read it through, put models.yaml beside it", markup=False)
        out.print(f"(`nightpoll init DIR` shows one), then: nightpoll check {write_study}", markup=False)
    return ExitCode.DONE


def check(study: StudyArg, as_json: JsonOpt = False) -> int:
    """Everything that is wrong with a study, its models file and its survey, found without any call."""
    from cli.opening import registered_models
    from cli.views.check import report_of, show_report

    settings = load_settings()
    report = report_of(study, settings.models, load_environ(), registered_models(settings))
    print_json(report.document()) if as_json else show_report(report)
    return report.exit_code


def prompt(
    study: StudyArg,
    respondent: Annotated[str, typer.Option(help="Respondent id, as in the survey.")],
    question: Annotated[str, typer.Option(help="Question of the study.")],
    arm: Annotated[str, typer.Option(help="Arm of the study.")],
    as_json: JsonOpt = False,
) -> int:
    """The exact messages, parameters and tokens of one request. Calls nothing."""
    from cli.opening import checked_study
    from cli.views.prompt import prompt_document, show_prompt
    from producer.prompting.prompt_preview import preview

    checked = checked_study(study, load_settings(), load_environ())
    found = preview(checked, respondent_id=respondent, question_id=question, arm=arm)
    print_json(prompt_document(found)) if as_json else show_prompt(found)
    return ExitCode.DONE


def plan(
    study: StudyArg,
    pilot: Annotated[int | None, typer.Option(min=1, help="Only so many respondents, a seeded nested sample.")] = None,
    deadline: Annotated[str | None, typer.Option(help=f"Compare transports against it: {HELP}")] = None,
    timezone: Annotated[str | None, typer.Option(help=ZONE_HELP)] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="US$ to compare with; default: the study's own.")
    ] = None,
    as_json: JsonOpt = False,
) -> int:
    """Tasks, requests, sharing, reuse, tokens, cost with interval and time at the stated quotas. Calls nothing."""
    from cli.views.plan import plan_report, show_plan

    now = datetime.now(UTC)
    moment = given_deadline(deadline, timezone, now)
    settings = load_settings()
    store = load_store(settings)
    report = plan_report(
        store, study, settings, load_environ(), pilot=pilot, now=now, deadline=moment, budget_usd=budget
    )
    print_json(report.document()) if as_json else show_plan(report)
    return ExitCode.DONE
