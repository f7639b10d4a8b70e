"""What a survey file holds, told so that a study can be written from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.study import MissingKind
from survey.codes.coding import code_rank
from survey.codes.missing_labels import missing_kind
from survey.data import Code, SurveyData, Variable, VariableKind
from survey.drafting.candidates import BoxGroup, box_groups, design_candidates, id_candidates, weight_candidates
from survey.drafting.column_facts import MOST_COUNTED, ColumnFacts, column_facts
from survey.drafting.scale_guess import are_steps
from survey.files import read_survey

MOST_VALUES = 30
"""More distinct values without labels are counted, not listed."""

MOST_CELLS = 12_000_000
"""Cells held at a time, some 110 MB in this process and twice that in the one that reads."""

_LAST_DIGITS = frozenset({7, 8, 9})
_GAP = 3
_USUAL_MISSING = frozenset({77, 88, 97, 98, 99, 777, 888, 997, 998, 999})
_USUAL_BELOW_ZERO = frozenset({*range(-9, 0), *(-code for code in _USUAL_MISSING), -66, -666})


@dataclass(frozen=True)
class ValueCount:
    """One code: label ("" if the file has none), respondents, their share of all, and how it reads.

    Attributes:
        declared: the file declares it user-missing.
        reads_like: kind of missing its label reads like, None for an answer.
    """

    code: Code
    label: str
    n: int
    share: float
    declared: bool
    reads_like: MissingKind | None


@dataclass(frozen=True)
class VariableReport:
    """One variable.

    Attributes:
        values: labelled codes in file order, then values seen without a label; empty if there are too many.
        n_missing: blank cells.
        n_distinct: distinct values that are there.
        declared_missing: codes of `values` that the file declares user-missing.
        suspected_missing: code -> kind, from labels; to be confirmed by whoever writes the study.
        odd_codes: unlabelled codes such as 99 or -1 beside small answers, which could stand for no answer.
    """

    name: str
    kind: VariableKind
    text: str
    measure: str
    values: tuple[ValueCount, ...]
    n_missing: int
    n_distinct: int
    declared_missing: tuple[Code, ...]
    suspected_missing: dict[Code, MissingKind]
    odd_codes: tuple[Code, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """A survey file: its variables and what they could be used for, likeliest candidates first."""

    file_name: str
    sha256: str
    n_respondents: int
    variables: tuple[VariableReport, ...]
    weight_candidates: tuple[str, ...]
    id_candidates: tuple[str, ...]
    strata_candidates: tuple[str, ...]
    cluster_candidates: tuple[str, ...]
    multiple_response: tuple[BoxGroup, ...]
    warnings: tuple[str, ...]


def inspect_file(path: Path) -> Inspection:
    """Everything that a look at a survey file can tell, in bounded memory: columns of large files are read in turn.

    Raises:
        SurveyFileError: the file cannot be read.
    """
    outline = read_survey(path, frozenset())
    names, n_rows = list(outline.variables), len(outline.frame)
    step = max(1, MOST_CELLS // n_rows)
    if step >= len(names):
        return inspect_survey(read_survey(path))
    facts: dict[str, ColumnFacts] = {}
    warnings: dict[str, None] = {}
    for first in range(0, len(names), step):
        part = read_survey(path, set(names[first : first + step]))
        facts |= _facts(part)
        warnings |= dict.fromkeys(part.warnings)
    return _inspection(outline, facts, list(warnings))


def inspect_survey(data: SurveyData) -> Inspection:
    """Everything that a look at a survey in memory can tell. Lists values with their counts, never rows."""
    return _inspection(data, _facts(data), data.warnings)


def _facts(data: SurveyData) -> dict[str, ColumnFacts]:
    return {name: column_facts(data.variables[name], data.frame[name]) for name in map(str, data.frame.columns)}


def _inspection(data: SurveyData, facts: dict[str, ColumnFacts], of_file: Sequence[str]) -> Inspection:
    ids = id_candidates(facts)
    weights = weight_candidates(facts)
    strata, clusters = design_candidates(facts, {*ids, *weights})
    plain = {*ids, *weights}
    reports = [_report(column, list_values=name not in plain) for name, column in facts.items()]
    warnings = [*of_file, *(w for r in reports if r.name not in plain for w in _warnings(r, facts[r.name].seen))]
    if not ids:
        warnings.append("No variable has a distinct value in every row, so none can serve as respondent id.")
    return Inspection(
        file_name=data.path.name,
        sha256=data.sha256,
        n_respondents=len(data.frame),
        variables=tuple(reports),
        weight_candidates=tuple(weights),
        id_candidates=tuple(ids),
        strata_candidates=tuple(strata),
        cluster_candidates=tuple(clusters),
        multiple_response=tuple(box_groups(facts)),
        warnings=tuple(warnings),
    )


def _report(column: ColumnFacts, *, list_values: bool) -> VariableReport:
    variable = column.variable
    unlabelled = [code for code in column.seen if code not in variable.labels]
    listed = list(variable.labels)
    if list_values and column.n_distinct <= MOST_COUNTED and len(unlabelled) <= MOST_VALUES:
        listed += unlabelled
    values = tuple(_count(variable, code, column.seen.get(code, 0), column.n_rows) for code in listed)
    return VariableReport(
        name=variable.name,
        kind=variable.kind,
        text=variable.label,
        measure=variable.measure,
        values=values,
        n_missing=column.n_missing,
        n_distinct=column.n_distinct,
        declared_missing=tuple(value.code for value in values if value.declared),
        suspected_missing={v.code: v.reads_like for v in values if v.reads_like is not None},
        odd_codes=tuple(_odd_codes(column)),
    )


def _count(variable: Variable, code: Code, n: int, n_all: int) -> ValueCount:
    label = variable.labels.get(code, "")
    kind = missing_kind(label or str(code)) if label or isinstance(code, str) else None
    return ValueCount(code, label, n, n / n_all, variable.is_declared_missing(code), kind)


def _warnings(report: VariableReport, seen: Mapping[Code, int]) -> Sequence[str]:
    labelled = {value.code for value in report.values if value.label}
    unlabelled = sorted((code for code in seen if code not in labelled), key=code_rank)
    found = []
    if report.kind == "labelled" and unlabelled:
        found.append(f"{report.name}: values without a label: {', '.join(map(str, unlabelled[:12]))}.")
    if report.odd_codes:
        odd = ", ".join(map(str, report.odd_codes))
        found.append(f"{report.name}: {odd} could stand for no answer; the file does not say.")
    if not report.n_distinct:
        found.append(f"{report.name}: every cell is blank.")
    return found


def _odd_codes(column: ColumnFacts) -> list[Code]:
    """Usual codes for no answer, or negative ones, in a short list of small answers without labels.

    Among amounts only codes below zero, where nothing else is.
    """
    variable = column.variable
    if variable.kind != "numeric" or variable.labels:
        return []
    codes = [code for code in column.seen if not isinstance(code, str)]
    below = [code for code in codes if code < 0]
    if below and len(below) < len(codes) and _USUAL_BELOW_ZERO.issuperset(below):
        return [*below]
    if column.n_distinct > MOST_VALUES:
        return []
    odd = [code for code in codes if code in _USUAL_MISSING or (isinstance(code, int) and code < 0)]
    if not odd:
        odd = _standing_apart(codes)
    others = [code for code in codes if code not in odd]
    return list(odd) if odd and others and max(others) < 50 else []


def _standing_apart(codes: Sequence[int | float]) -> list[int | float]:
    """7, 8 and 9 behind a gap after two or more steps from 0 or 1: `1 2 3 9`, never `1 2 3 4 5 6 7`."""
    steps = sorted(code for code in codes if isinstance(code, int) and code not in _LAST_DIGITS)
    apart = sorted(code for code in codes if isinstance(code, int) and code in _LAST_DIGITS)
    if len(steps) + len(apart) < len(codes) or len(steps) < 2 or not apart:
        return []
    fits = steps[0] in (0, 1) and are_steps(steps) and apart[0] - steps[-1] >= _GAP
    return [*apart] if fits else []
