"""A first study.yaml for a survey file: candidates filled in, everything said that a person must still decide."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from schemas.study import MissingKind
from survey.data import Code
from survey.inspect import Inspection, VariableReport

_PERSONA = (
    r"^age(?![a-z])|how old|year of birth",
    r"gender|\bsex\b",
    r"\brace|ethnic|hispanic",
    r"where were you born|birthplace",
    r"marital",
    r"educ|highest degree",
    r"income|\binc_",
    r"division|region|\bstate\b",
    r"metro|urban",
)
_MOST_QUESTIONS = 12
_ANSWERS = range(2, 13)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def study_draft(inspection: Inspection) -> str:
    """The text of a study.yaml with comments. Its shape is right; its choices are guesses to be read through."""
    fields, derived = _persona(inspection)
    questions = _questions(inspection, {*fields, *derived})
    sections = [
        _head(inspection),
        _survey(inspection),
        _missing(inspection),
        ["split: {by: respondent, test: 0.2, validation: 0.1, seed: 42}"],
        _persona_lines(inspection, fields, derived),
        _question_lines(questions),
        ["arms:", "  basic: {model: mini, strategy: basic}  # `mini` is a name in models.yaml"],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _head(inspection: Inspection) -> list[str]:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", inspection.file_name.rsplit(".", 1)[0]).strip("-_")[:50]
    return [
        f"# Started from {_comment(inspection.file_name)} ({inspection.n_respondents} respondents).",
        "# Everything below is a guess: read it through, then run `nightpoll check` on it.",
        f"study: {_scalar(stem or 'survey')}",
    ]


def _survey(inspection: Inspection) -> list[str]:
    ids, weights = inspection.id_candidates, inspection.weight_candidates
    first = inspection.variables[0].name
    lines = ["survey:", f"  file: {_quoted(inspection.file_name)}"]
    note = "" if ids else "  # no variable is distinct in every row: number the respondents first"
    lines.append(f"  respondent_id: {_scalar(ids[0] if ids else first)}{note or _others(ids[1:])}")
    if weights:
        lines.append(f"  weight: {_scalar(weights[0])}{_others(weights[1:])}")
    return lines


def _others(names: Sequence[str]) -> str:
    return f"  # or {', '.join(_comment(name) for name in names[:4])}" if names else ""


def _missing(inspection: Inspection) -> list[str]:
    """Codes that several variables share go under `default`, the others under their variable."""
    claims: Counter[tuple[Code, MissingKind]] = Counter()
    for report in inspection.variables:
        claims.update(_undeclared(report).items())
    common: dict[Code, MissingKind] = {}
    for (code, kind), n in claims.most_common():
        if n > 1:
            common.setdefault(code, kind)
    lines = [f"  default: {_kinds(common)}  # only where the file labels the code so"] if common else []
    for report in inspection.variables:
        own = {code: kind for code, kind in _undeclared(report).items() if common.get(code) != kind}
        if own:
            lines.append(f"  {_scalar(report.name)}: {_kinds(own)}")
    return ["missing:  # codes whose label reads like no answer", *lines] if lines else []


def _undeclared(report: VariableReport) -> dict[Code, MissingKind]:
    return {c: kind for c, kind in report.suspected_missing.items() if c not in report.declared_missing}


def _kinds(codes: dict[Code, MissingKind]) -> str:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for code, kind in codes.items():
        by_kind[kind].append(_code(code))
    return "{" + ", ".join(f"{kind}: [{', '.join(found)}]" for kind, found in by_kind.items()) + "}"


def _persona(inspection: Inspection) -> tuple[list[str], list[str]]:
    """Variables that read like demographics, at most one a topic; then groups of boxes."""
    taken = {*inspection.id_candidates, *inspection.weight_candidates}
    taken |= {box for group in inspection.multiple_response for box in (*group.boxes, group.refused or "")}
    groups = [g.name for g in inspection.multiple_response if _is_persona_topic(f"{g.name} {g.text}")]
    groups = [name for name in groups if name not in {report.name for report in inspection.variables}]
    fields: list[str] = []
    for topic in _PERSONA:
        usable = [r for r in inspection.variables if r.name not in {*taken, *fields} and _usable_field(r)]
        found = [r.name for r in usable if re.search(topic, f"{r.name.lower()} {r.text.lower()}")]
        fields += found[:1]
    if not fields and not groups:
        usable = [r for r in inspection.variables if r.name not in taken and _usable_field(r)]
        fields = [r.name for r in (usable or inspection.variables)][:2]
    return fields, groups


def _is_persona_topic(text: str) -> bool:
    return any(re.search(topic, text.lower()) for topic in _PERSONA)


def _usable_field(report: VariableReport) -> bool:
    if report.kind == "labelled":
        return all(value.label for value in report.values)
    return report.kind == "numeric" or (report.kind == "text" and 1 < report.n_distinct < _ANSWERS.stop)


def _persona_lines(inspection: Inspection, fields: Sequence[str], derived: Sequence[str]) -> list[str]:
    names = ", ".join(_scalar(name) for name in [*fields, *derived])
    lines = ["persona:  # what the model is told about a respondent", f"  fields: [{names}]"]
    groups = [group for group in inspection.multiple_response if group.name in derived]
    if groups:
        lines.append("  derive:")
    for group in groups:
        boxes = ", ".join(_scalar(box) for box in group.boxes)
        refused = f", refused: {_scalar(group.refused)}" if group.refused is not None else ""
        lines.append(f'    {_scalar(group.name)}: {{selected: [{boxes}]{refused}, join: " and "}}')
    return lines


def _questions(inspection: Inspection, taken: Iterable[str]) -> list[VariableReport]:
    """Variables with a handful of answers, those with a question's wording first, in file order."""
    boxes = {box for group in inspection.multiple_response for box in (*group.boxes, group.refused or "")}
    used = {*taken, *boxes, *inspection.id_candidates, *inspection.weight_candidates}
    usable = [r for r in inspection.variables if r.name not in used and len(_answers(r)) in _ANSWERS]
    worded = [r for r in usable if re.search(r"\?|\.\.\.|…", r.text) and _is_labelled(r)]
    labelled = [r for r in usable if _is_labelled(r)]
    return (worded or labelled or usable or [inspection.variables[-1]])[:_MOST_QUESTIONS]


def _is_labelled(report: VariableReport) -> bool:
    return all(value.label for value in report.values)


def _answers(report: VariableReport) -> list[tuple[Code, str]]:
    missing = {*report.suspected_missing, *report.declared_missing}
    return [(value.code, value.label) for value in report.values if value.code not in missing]


def _question_lines(questions: Sequence[VariableReport]) -> list[str]:
    lines = ["questions:  # add `scale: ordinal` where the answers have an order"]
    for report in questions:
        text = f"  # {_comment(report.text)}" if report.text else ""
        if _is_labelled(report) and report.values and report.text:
            lines.append(f"  {_scalar(report.name)}: {{}}{text}")
            continue
        wording = "" if report.text else f"text: {_quoted(f'Wording of {report.name}')}, "
        lines.append(f"  {_scalar(report.name)}: {{{wording}answers: {_answer_map(report)}}}{text}")
    return lines


def _answer_map(report: VariableReport) -> str:
    """Labels where the file has them, the values themselves where it has not: for a person to replace."""
    answers = _answers(report)[: _ANSWERS.stop - 1]
    if not answers:
        return '{1: "first answer", 2: "second answer"}'
    whole = all(isinstance(code, int) for code, _ in answers)
    pairs = [(code if whole else number, label or str(code)) for number, (code, label) in enumerate(answers, start=1)]
    return "{" + ", ".join(f"{code}: {_quoted(label)}" for code, label in pairs) + "}"


def _code(code: Code) -> str:
    """A code as the `missing` part takes it: a fraction can only be written as a range."""
    if isinstance(code, float):
        return _quoted(f"{code!r}..{code!r}")
    return _quoted(code) if isinstance(code, str) else str(code)


def _quoted(text: str) -> str:
    """A double-quoted YAML text; what YAML does not print is escaped."""
    return _UNPRINTABLE.sub(lambda sign: f"\\U{ord(sign.group()):08x}", json.dumps(text, ensure_ascii=False))


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS_OF_YAML
    return text if is_plain else _quoted(text)


def _comment(text: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", text).split())[:160]
