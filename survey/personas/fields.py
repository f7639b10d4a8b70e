"""Persona fields and match variables: everyone's code and what the codes mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.study import MissingKind
from survey.codes.coding import INT32_MAX, code_rank, encode, values_seen
from survey.codes.label_conflicts import label_conflicts
from survey.codes.missing import KINDS, MissingRules
from survey.data import Code, Variable
from survey.prepared import Answers


@dataclass(frozen=True)
class CodedField:
    """One field: codebook entry, values, and what is wrong or worth knowing."""

    variable: CodedVariable
    answers: Answers
    problems: list[Problem] = field(default_factory=list)


def code_field(
    variable: Variable,
    column: "pd.Series[Any]",
    rules: MissingRules,
    phrases: Mapping[int, str],
    *,
    where: str,
) -> CodedField:
    """A field made of one variable of the file.

    Whole numbers without labels stay themselves (kind `numeric`; labels only for codes such as 98 = "98+"). Labelled
    whole-number codes stay themselves. Texts, dates and fractions get codes 1..K in file order of their labels,
    else in ascending order.

    Args:
        variable: as the file describes it.
        column: raw values of the respondents of this run.
        rules: missing rules of the study.
        phrases: the study's wording per code; labels a code that the file does not label.
        where: dotted key that asks for the field.
    """
    seen = values_seen(column)
    missing = rules.missing_codes(variable, [*variable.labels, *seen])
    present = [code for code in seen if code not in missing]
    labels = {code: label for code, label in variable.labels.items() if code not in missing}
    codes = _codes(variable, labels, present, phrases)
    coded = CodedVariable(
        name=variable.name,
        text=variable.label,
        kind=_kind(variable, present, phrases),
        codes=list(dict.fromkeys(codes.values())) if _kind(variable, present, phrases) != "numeric" else [],
        labels=_labels(codes, labels, phrases, variable, present),
        missing=missing_by_kind(missing),
        missing_labels=missing_labels(variable, missing),
    )
    coded = coded.model_copy(update={"shown": coded.codes, "scale_order": coded.codes})
    problems = [
        *rules.doubtful(variable),
        *rules.unlabelled(variable, seen),
        *_unlabelled(variable, seen, codes, missing, where),
    ]
    problems += _phrase_problems(variable.name, coded, phrases)
    return CodedField(coded, encode(column, codes, missing), problems)


def missing_by_kind(missing: Mapping[Code, MissingKind]) -> dict[MissingKind, list[int]]:
    """Kind -> whole-number codes, ascending; kinds without one are left out."""
    found = {kind: sorted(c for c, k in missing.items() if k == kind and isinstance(c, int)) for kind in KINDS}
    return {kind: codes for kind, codes in found.items() if codes}


def missing_labels(variable: Variable, missing: Mapping[Code, MissingKind]) -> dict[int, str]:
    """Labels of the whole-number missing codes."""
    return {c: variable.labels[c] for c in missing if isinstance(c, int) and c in variable.labels}


def is_int32(code: Code) -> bool:
    """The code can stand in a result column as it is."""
    return isinstance(code, int) and -INT32_MAX <= code <= INT32_MAX


def numbered(codes: list[Code]) -> dict[Code, int]:
    """Whole-number codes as they are, all others as 1..K in the given order."""
    if all(is_int32(code) for code in codes):
        return {code: int(code) for code in codes}
    return {code: number for number, code in enumerate(codes, start=1)}


def _codes(
    variable: Variable, labels: Mapping[Code, str], present: list[Code], phrases: Mapping[int, str]
) -> dict[Code, int]:
    if variable.kind == "labelled":
        named: list[Code] = [code for code in phrases if code in present and code not in labels]
        return numbered([*labels, *named])
    return numbered(sorted({*labels, *present}, key=code_rank))


def _kind(variable: Variable, present: list[Code], phrases: Mapping[int, str]) -> Any:  # noqa: ANN401 - a Literal of CodedVariable
    if variable.kind in {"text", "date"}:
        return "text"
    is_named = bool(present) and all(code in phrases for code in present)
    is_plain = variable.kind == "numeric" and all(is_int32(code) for code in present)
    return "numeric" if is_plain and not is_named else "single"


def _labels(
    codes: Mapping[Code, int],
    labels: Mapping[Code, str],
    phrases: Mapping[int, str],
    variable: Variable,
    present: list[Code],
) -> dict[int, str]:
    if _kind(variable, present, phrases) == "numeric":
        return {codes[code]: label for code, label in labels.items()}
    return {number: labels.get(code, phrases.get(number, str(code))) for code, number in codes.items()}


def _unlabelled(
    variable: Variable,
    seen: Mapping[Code, int],
    codes: Mapping[Code, int],
    missing: Mapping[Code, MissingKind],
    where: str,
) -> list[Problem]:
    lost = [code for code in seen if code not in codes and code not in missing]
    if not lost:
        return []
    n_rows = sum(seen[code] for code in lost)
    what = f"{variable.name}: the file has no label for {_listed(lost)} ({n_rows} respondents)."
    hint = f"Say under missing.{variable.name} that it is no answer, or how it reads under persona.phrases."
    return [Problem(what, where, hint, code="unlabelled_code")]


def _listed(codes: list[Code]) -> str:
    shown = ", ".join(str(code)[:40] for code in codes[:12])
    return shown + (f" and {len(codes) - 12} more" if len(codes) > 12 else "")


def _phrase_problems(name: str, coded: CodedVariable, phrases: Mapping[int, str]) -> list[Problem]:
    where = f"persona.phrases.{name}"
    problems = list(label_conflicts(name, phrases, coded.labels, where=where, notes=False))
    unknown = [code for code in phrases if coded.kind != "numeric" and code not in coded.codes]
    if unknown:
        what = f"{name} has no answer {', '.join(map(str, unknown))}."
        hint = f"Its answers are {', '.join(map(str, coded.codes[:12]))}."
        problems.append(Problem(what, where, hint, code="phrase_unknown_code"))
    return problems
