"""Toplines: weighted shares and banner cross-tabs of people and arms, as an Excel file."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xlsxwriter

from evaluation.arrays import BoolArray
from evaluation.inference.intervals import share_standard_error
from evaluation.inference.significance import NORMAL_95
from evaluation.measures.measure import measure
from evaluation.reading.cells import ABSENT, RunData
from evaluation.subgroups.groups import SUPPRESSED_BELOW, Grouping, groupings_of
from schemas.errors import UserInputError

LABEL = "Synthetic columns are model-generated, not measured opinion."
TOTAL = "Total"
HEADERS = ("Question", "Arm", "Answer", "Human", "Margin of error", "Synthetic", "Difference", "n", "Effective n")
BANNER_HEADERS = (
    "Question",
    "Arm",
    "Answer",
    "Variable",
    "Group",
    "Human",
    "Synthetic",
    "Difference",
    "n",
    "Effective n",
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class Topline(NamedTuple):
    """One answer of one question among one group; shares 0..1, None where suppressed or undefined.

    Attributes:
        margin: half the 95 % interval of the human share, from its linearised error.
        n: people with a human answer; None where suppressed.
    """

    question: str
    arm: str
    answer: str
    variable: str
    group: str
    human: float | None
    margin: float | None
    synthetic: float | None
    n: int | None
    n_eff: float | None

    @property
    def difference(self) -> float | None:
        """Synthetic minus human."""
        return None if self.human is None or self.synthetic is None else self.synthetic - self.human


def toplines(run: RunData) -> list[Topline]:
    """Toplines of everyone, then of every group of every declared subgroup, question by question and arm."""
    everyone = np.ones(len(run.respondent_ids), dtype=np.bool_)
    found: list[Topline] = []
    for question, arm in run.cells:
        found += _of_group(run, question, arm, everyone, ("", TOTAL))
        for grouping in groupings_of(run):
            for g, name in enumerate(_names(run, grouping)):
                found += _of_group(run, question, arm, grouping.group == g, (grouping.name, name))
    return found


def write_toplines(path: Path, run: RunData) -> list[Topline]:
    """Write two sheets, toplines and banners, and return what they hold.

    Texts of others cannot become formulas: they are written as text, and one that begins like a formula gets an
    apostrophe before it, so that it stays text when the sheet is saved as CSV.

    Raises:
        UserInputError: the file cannot be written.
    """
    found = toplines(run)
    try:
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            percent = book.add_format({"num_format": "0.0%"})
            whole = book.add_format({"num_format": "#,##0"})
            head = book.add_format({"bold": True, "text_wrap": True})
            formats = {"percent": percent, "whole": whole, "head": head}
            _sheet(
                book,
                "Toplines",
                HEADERS,
                [_total_row(t) for t in found if t.group == TOTAL and not t.variable],
                formats,
            )
            banners = [_banner_row(t) for t in found if t.variable]
            if banners:
                _sheet(book, "Banners", BANNER_HEADERS, banners, formats)
    except (OSError, xlsxwriter.exceptions.XlsxFileError) as e:
        raise UserInputError("the toplines cannot be written.", where=str(path)) from e
    return found


def safe_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


Value = str | float | int | None


def _sheet(
    book: "xlsxwriter.Workbook",
    name: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Value]],
    formats: Mapping[str, object],
) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, LABEL)
    for column, header in enumerate(headers):
        sheet.write_string(1, column, header, formats["head"])
    sheet.freeze_panes(2, 3)
    sheet.set_column(0, 1, 16)
    sheet.set_column(2, 4, 24)
    for line, row in enumerate(rows, start=2):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(line, column, safe_text(value))
            elif value is not None:
                kind = "whole" if headers[column] in ("n", "Effective n") else "percent"
                sheet.write_number(line, column, value, formats[kind])
            else:
                sheet.write_string(line, column, f"< {SUPPRESSED_BELOW}" if headers[column] == "n" else "")


def _total_row(t: Topline) -> list[Value]:
    return [t.question, t.arm, t.answer, t.human, t.margin, t.synthetic, t.difference, t.n, t.n_eff]


def _banner_row(t: Topline) -> list[Value]:
    return [t.question, t.arm, t.answer, t.variable, t.group, t.human, t.synthetic, t.difference, t.n, t.n_eff]


def _of_group(run: RunData, question: str, arm: str, inside: BoolArray, place: tuple[str, str]) -> Iterator[Topline]:
    whole = run.cells[(question, arm)]
    cell = whole.where(inside[whole.respondent])
    labels = run.question_labels.get(question, {})
    texts = [labels.get(code, str(code)) for code in cell.scale.codes]
    n = int(np.unique(cell.respondent[cell.eligible]).size)
    if not n:
        return
    if n < SUPPRESSED_BELOW:
        yield from (Topline(question, arm, text, *place, None, None, None, None, None) for text in texts)
        return
    measured = measure(cell)
    human = measured.humans[True]
    by_code = [measured.figures.get(("share", None, level, True)) for level in cell.scale.levels]
    eligible = cell.where(cell.truth != ABSENT)
    for k, text in enumerate(texts):
        error = share_standard_error(eligible.truth == k, eligible.weight, eligible.respondent, run.design)
        found = by_code[k]
        synthetic = None if found is None else found.value
        share = None if human is None else float(human[k])
        yield Topline(question, arm, text, *place, share, NORMAL_95 * error, synthetic, n, measured.n_eff[True])


def _names(run: RunData, grouping: Grouping) -> list[str]:
    return [
        ", ".join("did not say" if c is None else run.labels.get(name, {}).get(c, str(c)) for name, c in key)
        for key in grouping.keys
    ]
