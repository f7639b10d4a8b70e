"""Where commands print: people's text on stdout through rich, trouble on stderr, `--json` as one plain document."""

import json
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cli.views.safe_text import safe, safe_json
from schemas.errors import NightpollError, Problem, StudyError


class SafeConsole(Console):
    """A console on which no text can steer the terminal: names, labels and answers are others'."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As the base class, with every text made safe; rich's own styles stay."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(safe(segment.text), segment.style)


out = SafeConsole(highlight=False, soft_wrap=True)
err = SafeConsole(stderr=True, highlight=False, soft_wrap=True)

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def print_json(document: object) -> None:
    """One JSON document on stdout, nothing else."""
    sys.stdout.write(safe_json(json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n")


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
