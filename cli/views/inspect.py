"""What `inspect` shows of a survey file, and the study it starts."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cli.views.console import err, out
from cli.views.safe_text import safe
from schemas.errors import UserInputError
from survey.drafting.inspect import Inspection, ValueCount, VariableReport
from survey.drafting.study_draft import study_draft

MOST_SHOWN = 12
"""Values listed per variable unless the variable is asked for by name."""


def inspection_document(found: Inspection, names: Sequence[str]) -> dict[str, Any]:
    """The inspection for --json, with the named variables only if any is named."""
    document = asdict(found)
    if names:
        document["variables"] = [asdict(report) for report in _chosen(found, names)]
    for report in document["variables"]:
        report["suspected_missing"] = [
            {"code": code, "kind": kind} for code, kind in report["suspected_missing"].items()
        ]
    return document


def show_inspection(found: Inspection, names: Sequence[str]) -> None:
    """The inspection for people, with the named variables only if any is named."""
    reports = _chosen(found, names)
    _say(f"{found.file_name}: {found.n_respondents:,} respondents, {len(found.variables)} variables")
    if not names:
        _show_candidates(found)
    for report in reports:
        _show_variable(report, most=None if names else MOST_SHOWN)
    for warning in found.warnings:
        err.print(f"warning: {safe(warning)}", markup=False)


def write_draft(found: Inspection, survey: Path, target: Path) -> None:
    """Write a first study for the survey; its `file` is relative to the study.

    Raises:
        UserInputError: the file is there already, or cannot be written.
    """
    relative = os.path.relpath(survey.absolute(), target.absolute().parent)
    text = study_draft(replace(found, file_name=Path(relative).as_posix()))
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as e:
        raise UserInputError(
            "the file is there already.", where=str(target), hint="Name another file; nothing is overwritten."
        ) from e
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the study cannot be written: {reason}.", where=str(target)) from e


def _chosen(found: Inspection, names: Sequence[str]) -> list[VariableReport]:
    known = {report.name: report for report in found.variables}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else ""
            raise UserInputError(f"{found.file_name} has no variable {name!r}.", where="--variable", hint=hint)
    return [known[name] for name in names] if names else list(found.variables)


def _show_candidates(found: Inspection) -> None:
    _say(f"  respondent id: {_listed(found.id_candidates)}")
    _say(f"  weight: {_listed(found.weight_candidates)}")
    _say(f"  strata: {_listed(found.strata_candidates)}")
    _say(f"  cluster: {_listed(found.cluster_candidates)}")
    for group in found.multiple_response:
        refused = f", refused {group.refused}" if group.refused is not None else ""
        _say(f"  multiple response {group.name}: {', '.join(group.boxes)}{refused}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none found"


def _show_variable(report: VariableReport, *, most: int | None) -> None:
    facts = [report.kind, f"{report.n_distinct:,} distinct"]
    if report.n_missing:
        facts.append(f"{report.n_missing:,} blank")
    _say(f"\n{report.name}  ({', '.join(facts)})")
    if report.text:
        _say(f"  {report.text}")
    values = report.values if most is None else report.values[:most]
    width = max((len(str(value.code)) for value in values), default=0)
    for value in values:
        _say(f"  {value.code!s:>{width}}  {value.share:6.1%}  {value.label}{_missing_mark(value)}")
    if len(values) < len(report.values):
        _say(f"  and {len(report.values) - len(values)} more; --variable {shlex.quote(report.name)} shows all")


def _missing_mark(value: ValueCount) -> str:
    if value.declared:
        return "  <- declared missing"
    if value.reads_like is not None:
        return f"  <- reads like {value.reads_like.replace('_', ' ')}, not declared missing"
    return ""


def _say(line: str) -> None:
    out.print(safe(line), markup=False)
