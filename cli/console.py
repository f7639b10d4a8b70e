"""Where commands print: people's text on stdout through rich, trouble on stderr, `--json` as one plain document."""

import json
import sys

from rich.console import Console
from rich.text import Text

from schemas.errors import NightpollError, Problem, StudyError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def print_json(document: object) -> None:
    """One JSON document on stdout, nothing else."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def print_problem(problem: Problem) -> None:
    """One problem: level, place, what, what to do."""
    line = Text()
    line.append(problem.level, style=_COLOURS.get(problem.level, "red"))
    place = f" {problem.where}:" if problem.where else ":"
    line.append(f"{place} {problem.what}")
    if problem.hint:
        line.append(f"\n    {problem.hint}", style="dim")
    err.print(line)


def print_error(error: NightpollError) -> None:
    """An error as a screen of its problems."""
    problems = error.problems if isinstance(error, StudyError) else (Problem(error.what, error.where, error.hint),)
    for problem in problems:
        print_problem(problem)
