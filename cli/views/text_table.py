"""Tables that never cut a number in two, on a narrow terminal and in a pipe."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from cli.views.console import SafeConsole, out

_BETWEEN_COLUMNS = 3
_LEAST_LAST_COLUMN = 24

_console = SafeConsole(highlight=False)


def print_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> None:
    """A table on stdout; `right` names the columns of numbers.

    Only the last column is folded to fit a terminal, and nothing is without one.
    """
    table = Table(
        title=title if title else None, title_justify="left", header_style="bold", show_edge=False, pad_edge=False
    )
    last = len(headers) - 1
    for i, header in enumerate(headers):
        table.add_column(header, justify="right" if i in right else "left", overflow="fold", no_wrap=i != last)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console.width = _width(headers, rows)
    _console.print(table)


def _width(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    widths = [max(map(cell_len, column)) for column in zip(headers, *rows, strict=True)]
    others = sum(widths[:-1]) + _BETWEEN_COLUMNS * (len(widths) - 1)
    if not out.is_terminal:
        return others + widths[-1]
    return others + min(widths[-1], max(_LEAST_LAST_COLUMN, out.width - others))
