"""queue add|list|reorder|pause|resume|remove|summary: studies that run at night.

What takes long to import is imported in the functions that need it, so that `--help` stays quick.
"""

from typing import Annotated

import typer

from cli.arguments import JsonOpt, StudyArg, examples
from cli.deadlines import HELP

EntryArg = Annotated[str, typer.Argument(metavar="ENTRY", help="Id of the entry, as `nightpoll queue list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        name="queue", help="Studies that run at night, one after the other, each in its window.", no_args_is_help=True
    )
    add_examples = examples(
        "nightpoll queue add study.yaml --window 22:00-06:30 --timezone America/New_York",
        "nightpoll queue add . --window 22:00-06:30 --timezone Europe/Berlin --then evaluate,report --deadline 06:30",
        "nightpoll queue add . --window 22:00-06:30 --nightly",
    )
    group.command(epilog=add_examples)(add)
    group.command("list", epilog=examples("nightpoll queue list", "nightpoll queue list --json"))(list_entries)
    group.command(epilog=examples("nightpoll queue reorder q3 1"))(reorder)
    group.command(epilog=examples("nightpoll queue pause q3"))(pause)
    group.command(epilog=examples("nightpoll queue resume q3", "nightpoll queue resume"))(resume)
    group.command(epilog=examples("nightpoll queue remove q3"))(remove)
    group.command(epilog=examples("nightpoll queue summary", "nightpoll queue summary 2026-11-22 --json"))(summary)
    app.add_typer(group)


def add(
    study: StudyArg,
    window: Annotated[str | None, typer.Option(help="Local times, as 22:00-06:30. None: always open.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Zone of the window, and of a deadline that names none; default: UTC.")
    ] = None,
    then: Annotated[str, typer.Option(help="What follows a finished run: evaluate,report or none.")] = "evaluate",
    deadline: Annotated[str | None, typer.Option(help=f"By when it should be done: {HELP}")] = None,
    pilot: Annotated[int | None, typer.Option(min=1, help="Only so many respondents, a seeded nested sample.")] = None,
    nightly: Annotated[
        bool, typer.Option("--nightly", help="Again every night, bought anew and compared with the night before.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Reuse no earlier answer.")] = False,
    first: Annotated[bool, typer.Option("--first", help="Put it at the head of the queue.")] = False,
    as_json: JsonOpt = False,
) -> int:
    """Check a study and queue it: it starts in its window, rests at its end and goes on the next night.

    One entry works at a time, the first in the list whose window is open. Adding means saying yes to its cost, within
    the study's budget.
    """
    from cli.queueing import Wish, add_entry

    wish = Wish(window, timezone, then, deadline, pilot, nightly=nightly, fresh=fresh, first=first)
    return add_entry(study, wish, as_json=as_json)


def list_entries(as_json: JsonOpt = False) -> int:
    """The queue in its order: state, window, when each entry goes on, and why one does not."""
    from cli.queueing import show_queue

    return show_queue(as_json=as_json)


def reorder(entry: EntryArg, place: Annotated[int, typer.Argument(min=1, help="New place; 1 is the first.")]) -> int:
    """Move an entry to another place. What works now goes on."""
    from cli.queueing import move_entry

    return move_entry(entry, place)


def pause(entry: EntryArg) -> int:
    """Hold an entry: its run rests, others take their turn. `queue resume` goes on."""
    from cli.queueing import hold_entry

    return hold_entry(entry)


def resume(
    entry: Annotated[str | None, typer.Argument(metavar="[ENTRY]", help="None: only wake workers.")] = None,
) -> int:
    """Let a held or stopped entry go on in its next window; also brings workers up after a restart of the machine."""
    from cli.queueing import resume_entry

    return resume_entry(entry)


def remove(entry: EntryArg) -> int:
    """Take an entry out of the queue. Its run, if there is one, stays in the store; one that works must rest first."""
    from cli.queueing import remove_entry

    return remove_entry(entry)


def summary(
    night: Annotated[str | None, typer.Argument(help="Day on which the night began; default: the last night.")] = None,
    as_json: JsonOpt = False,
) -> int:
    """The morning after: what ran, cost, failures, headline figures, drift; exit code 9 if a drift is over."""
    from cli.queueing import show_summary

    return show_summary(night, as_json=as_json)
