"""run, resume, pause, cancel, status, demo: what changes a run or follows it.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from typing import Annotated

import typer

from cli.arguments import MOST, JsonOpt, RunArg, StudyArg, examples
from cli.deadlines import HELP, ZONE_HELP


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("nightpoll demo", "nightpoll demo --respondents 200"))(demo)
    app.command(
        epilog=examples(
            "nightpoll run study.yaml --pilot 100",
            "nightpoll run . --yes --detach",
            "nightpoll run . --yes --detach --then evaluate,report",
        )
    )(run)
    app.command(
        epilog=examples(
            "nightpoll resume RUN", "nightpoll resume RUN --retry failed,truncated", "nightpoll resume RUN --budget 40"
        )
    )(resume)
    app.command(epilog=examples("nightpoll pause RUN"))(pause)
    app.command(epilog=examples("nightpoll cancel RUN"))(cancel)
    app.command(epilog=examples("nightpoll status", "nightpoll status RUN --watch"))(status)


def demo(
    respondents: Annotated[int | None, typer.Option(min=1, help="Only so many; default: all of the survey.")] = None,
) -> int:
    """Run the shipped survey (ANES 1996) on the emulator, land it in Parquet and evaluate it. Needs no key."""
    from cli.demo import run_demo

    return run_demo(respondents)


def run(
    study: StudyArg,
    pilot: Annotated[int | None, typer.Option(min=1, help="Only so many respondents, a seeded nested sample.")] = None,
    run_id: Annotated[str | None, typer.Option(help="Name of the run; default: study and time.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; the run goes on.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Reuse no earlier answer.")] = False,
    priority: Annotated[int, typer.Option(min=1, max=100, help="Turns against runs with priority 1.")] = 1,
    then: Annotated[
        str | None, typer.Option(help="What workers do when it has ended: evaluate, or evaluate,report.")
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(help=f"For `transport: auto`: {HELP}"),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help=ZONE_HELP)] = None,
    as_json: JsonOpt = False,
) -> int:
    """Plan a study, ask, and run it until every task has its row."""
    from cli import running

    return running.run(
        study, pilot=pilot, run_id=run_id, detach=detach, yes=yes, fresh=fresh, priority=priority, then=then,
        deadline=deadline, timezone=timezone, as_json=as_json,
    )  # fmt: skip


def resume(
    run: RunArg,
    retry: Annotated[str | None, typer.Option(help="Outcomes to ask again: failed,truncated,refused,filtered.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, max=MOST, help="New bound on the run's bill in US$.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; the run goes on.")] = False,
    as_json: JsonOpt = False,
) -> int:
    """Go on with a run: what has not landed, or with --retry what ended badly."""
    from cli import running

    return running.resume(run, retry=retry, budget=budget, detach=detach, as_json=as_json)


def pause(run: RunArg, as_json: JsonOpt = False) -> int:
    """Let no further call go out; open ones finish. `resume` goes on."""
    from cli import running

    return running.pause(run, as_json=as_json)


def cancel(run: RunArg, as_json: JsonOpt = False) -> int:
    """End a run for good; what was answered stays, open tasks become `cancelled`."""
    from cli import running

    return running.cancel(run, as_json=as_json)


def status(
    run: Annotated[str | None, typer.Argument(help="Run id; default: the newest run.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second until the run ends.")] = False,
    as_json: JsonOpt = False,
) -> int:
    """How far a run is: settled, rate, quota used, cost, failures by reason, time left.

    With --watch and without a run, all open runs on one screen if there are several.
    """
    from cli.status import status as status_of

    return status_of(run, watch=watch, as_json=as_json)
