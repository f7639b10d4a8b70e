"""Where commands print: people's text on stdout through rich, trouble on stderr, `--json` as one plain document."""

import json
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.errors import NightpollError, Problem, StudyError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_tables = Console(highlight=False)

_BETWEEN_COLUMNS = 3
_LEAST_LAST_COLUMN = 24

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def print_json(document: object) -> None:
    """One JSON document on stdout, nothing else."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def print_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """A table; `right` names the columns of numbers.

    Only the last column is folded to fit a terminal, and nothing is without one: a number cut in two is none.
    """
    table = Table(
        title=title if title else None, title_justify="left", header_style="bold", show_edge=False, pad_edge=False
    )
    last = len(headers) - 1
    for i, header in enumerate(headers):
        table.add_column(header, justify="right" if i in right else "left", overflow="fold", no_wrap=i != last)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _tables.width = _table_width(headers, rows)
    _tables.print(table)


def _table_width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    widths = [max(map(cell_len, column)) for column in zip(headers, *rows, strict=True)]
    others = sum(widths[:-1]) + _BETWEEN_COLUMNS * (len(widths) - 1)
    if not out.is_terminal:
        return others + widths[-1]
    return others + min(widths[-1], max(_LEAST_LAST_COLUMN, out.width - others))


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
