"""What a first study makes of a survey file: which variables describe people, which ask, and what their codes are."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from schemas.study import MissingKind
from survey.data import Code
from survey.drafting.inspect import Inspection, VariableReport
from survey.drafting.scale_guess import Scale, are_steps, guessed_scale
from survey.study_survey import ROW_NUMBER

_PERSONA = (
    r"^age(?![a-z])|\bage\b|^age_?(?:cat|group)|how old|year of birth|\balter\b|geburtsjahr",
    r"gender|gendr|\bsex\b|^[a-z]*\d+sex\b|geschlecht",
    r"\brace|ethnic|hispanic",
    r"where were you born|birthplace|native",
    r"marital|married|familienstand",
    r"educ|highest degree|\bdegree\b|schulabschlu(?:ß|ss)|bildung",
    r"income|\binc_|einkommen",
    r"occupation|employ|\bberuf",
    r"division|region|\bstate\b|country|bundesland",
    r"metro|urban",
    r"religio",
    r"^(?:n_?)?children|number of children|household size",
)
_MOST_QUESTIONS = 12
_ANSWERS = range(2, 13)
_BOX_TEXT = re.compile(r"\?|\.\.\.|…")


@dataclass(frozen=True)
class Item:
    """A variable taken for a question: its answers, and the scale they seem to form."""

    report: VariableReport
    answers: tuple[tuple[Code, str], ...]
    scale: Scale

    @property
    def is_labelled(self) -> bool:
        """The file has a label for every answer."""
        return all(label for _, label in self.answers)


@dataclass(frozen=True)
class Choices:
    """The guesses. `derived` are names of groups of boxes that become fields."""

    respondent_id: str
    fields: tuple[str, ...]
    derived: tuple[str, ...]
    items: tuple[Item, ...]


def choose(inspection: Inspection) -> Choices:
    """Guesses for a whole file; there is always a field and a question."""
    ids = inspection.id_candidates
    fields, derived = _persona(inspection)
    taken = {*fields, *_boxes(inspection), *_design(inspection)}
    items = _items(inspection, taken, persona=len(fields) + len(derived))
    return Choices(ids[0] if ids else ROW_NUMBER, tuple(fields), tuple(derived), tuple(items))


def undeclared_missing(report: VariableReport) -> dict[Code, MissingKind]:
    """Codes of a variable that read like no answer and that the file does not declare."""
    said = {c: kind for c, kind in report.suspected_missing.items() if c not in report.declared_missing}
    return said | dict.fromkeys(report.odd_codes, "refused")


def _design(inspection: Inspection) -> set[str]:
    names = (*inspection.id_candidates, *inspection.weight_candidates)
    return {*names, *inspection.strata_candidates, *inspection.cluster_candidates}


def _boxes(inspection: Inspection) -> set[str]:
    return {box for group in inspection.multiple_response for box in (*group.boxes, group.refused or "")}


def _persona(inspection: Inspection) -> tuple[list[str], list[str]]:
    """Variables that read like demographics, at most one a topic; then groups of boxes."""
    taken = _design(inspection) | _boxes(inspection)
    groups = [g.name for g in inspection.multiple_response if _topics(f"{g.name} {g.text}")]
    groups = [name for name in groups if name not in {report.name for report in inspection.variables}]
    fields: list[str] = []
    for topic in _PERSONA:
        usable = [r for r in inspection.variables if r.name not in {*taken, *fields} and _usable_field(r)]
        found = [r.name for r in usable if re.search(topic, _words(r))]
        fields += found[:1]
    if not fields and not groups:
        usable = [r for r in inspection.variables if r.name not in taken and _usable_field(r)]
        fields = [r.name for r in (usable or inspection.variables)][:2]
    return fields, groups


def _words(report: VariableReport) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", report.name).lower()
    return f"{name} {re.sub(r'[_.]', ' ', name)} {report.text.lower()}"


def _topics(text: str) -> bool:
    return any(re.search(topic, text.lower()) for topic in _PERSONA)


def _usable_field(report: VariableReport) -> bool:
    if report.kind == "labelled":
        return all(value.label for value in report.values if value.code not in undeclared_missing(report))
    return report.kind == "numeric" or (report.kind == "text" and 1 < report.n_distinct < _ANSWERS.stop)


def _items(inspection: Inspection, taken: Collection[str], *, persona: int) -> list[Item]:
    """Variables with a handful of answers, those with a question's wording first, in file order."""
    usable = [_item(r) for r in inspection.variables if r.name not in taken]
    usable = [item for item in usable if len(item.answers) in _ANSWERS and _is_choice(item)]
    labelled = [item for item in usable if item.is_labelled and item.report.kind == "labelled"]
    worded = [item for item in labelled if _BOX_TEXT.search(item.report.text)]
    asking = [item for item in usable if not _topics(_words(item.report))]
    last = inspection.variables[-1] if persona else inspection.variables[0]
    return (worded or labelled or asking or usable or [_item(last)])[:_MOST_QUESTIONS]


def _item(report: VariableReport) -> Item:
    missing = {*undeclared_missing(report), *report.declared_missing}
    answers = tuple((value.code, value.label) for value in report.values if value.code not in missing)
    return Item(report, answers, guessed_scale(answers, report.measure))


def _is_choice(item: Item) -> bool:
    """Labelled answers, words, or small whole numbers in steps: amounts and fractions are no choices."""
    if item.report.kind in {"labelled", "text"}:
        return True
    codes: Sequence[Code] = [code for code, label in item.answers if not label]
    whole = [code for code in codes if isinstance(code, int)]
    return len(whole) == len(codes) and (not whole or are_steps(whole))
