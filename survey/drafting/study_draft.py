"""A first study.yaml for a survey file: candidates filled in, everything said that a person must still decide."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePath

from schemas.study import MissingKind
from survey.data import Code
from survey.drafting.draft_choices import Choices, Item, choose, undeclared_missing
from survey.drafting.inspect import Inspection

_MOST_ANSWERS = 12
_MOST_LEFT_OUT = 12
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def study_draft(inspection: Inspection) -> str:
    """The text of a study.yaml with comments. Its shape is right; its choices are guesses to be read through."""
    choices = choose(inspection)
    sections = [
        _head(inspection),
        _survey(inspection, choices),
        _missing(inspection, {item.report.name for item in choices.items}),
        ["split: {by: respondent, test: 0.2, validation: 0.1, seed: 42}"],
        _persona_lines(inspection, choices),
        [*_question_lines(choices.items), *_left_out(inspection, choices)],
        ["arms:", "  basic: {model: mini, strategy: basic}  # `mini` is a name in models.yaml"],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def placeholder(name: str) -> str:
    """What stands in a draft for the wording of a question that the file has none for."""
    return f"Wording of {name}"


def _head(inspection: Inspection) -> list[str]:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(inspection.file_name).stem).strip("-_")[:50]
    return [
        f"# Started from {_comment(inspection.file_name)} ({inspection.n_respondents} respondents).",
        "# Everything below is a guess: read it through, then run `nightpoll check` on it.",
        f"study: {_scalar(stem or 'survey')}",
    ]


def _survey(inspection: Inspection, choices: Choices) -> list[str]:
    ids, weights = inspection.id_candidates, inspection.weight_candidates
    note = _others(ids[1:]) if ids else "  # no variable is distinct in every row, so rows are numbered"
    lines = ["survey:", f"  file: {_quoted(inspection.file_name)}"]
    lines.append(f"  respondent_id: {_scalar(choices.respondent_id)}{note}")
    design = {"weight": weights, "strata": inspection.strata_candidates, "cluster": inspection.cluster_candidates}
    lines += [f"  {key}: {_scalar(names[0])}{_others(names[1:])}" for key, names in design.items() if names]
    return lines


def _others(names: Sequence[str]) -> str:
    return f"  # or {', '.join(_comment(name) for name in names[:4])}" if names else ""


def _missing(inspection: Inspection, asked: Collection[str]) -> list[str]:
    """Codes that several variables share go under `default`, the others and those of numbers under their variable.

    Args:
        inspection: of the file.
        asked: questions of the draft, whose `answers` say which codes are none.
    """
    claims: Counter[tuple[Code, MissingKind]] = Counter()
    for report in inspection.variables:
        if report.kind != "numeric" or report.name in asked:
            claims.update(undeclared_missing(report).items())
    common: dict[Code, MissingKind] = {}
    for (code, kind), n in claims.most_common():
        if n > 1:
            common.setdefault(code, kind)
    lines = [f"  default: {_kinds(common)}  # never for numbers: they need a line of their own"] if common else []
    for report in inspection.variables:
        is_number = report.kind == "numeric" and report.name not in asked
        found = undeclared_missing(report).items()
        own = {code: kind for code, kind in found if is_number or common.get(code) != kind}
        if own:
            lines.append(f"  {_scalar(report.name)}: {_kinds(own)}")
    return ["missing:  # codes whose label reads like no answer", *lines] if lines else []


def _kinds(codes: dict[Code, MissingKind]) -> str:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for code, kind in codes.items():
        by_kind[kind].append(_code(code))
    return "{" + ", ".join(f"{kind}: [{', '.join(found)}]" for kind, found in by_kind.items()) + "}"


def _persona_lines(inspection: Inspection, choices: Choices) -> list[str]:
    names = ", ".join(_scalar(name) for name in [*choices.fields, *choices.derived])
    lines = ["persona:  # what the model is told about a respondent", f"  fields: [{names}]"]
    groups = [group for group in inspection.multiple_response if group.name in choices.derived]
    if groups:
        lines.append("  derive:")
    for group in groups:
        boxes = ", ".join(_scalar(box) for box in group.boxes)
        refused = f", refused: {_scalar(group.refused)}" if group.refused is not None else ""
        lines.append(f'    {_scalar(group.name)}: {{selected: [{boxes}]{refused}, join: " and "}}')
    return lines


def _question_lines(items: Sequence[Item]) -> list[str]:
    lines = ["questions:  # `scale: ordinal` is a guess: the answers have an order"]
    for item in items:
        report = item.report
        text = f"  # {_comment(report.text)}" if report.text else "  # write the wording as it was asked"
        parts = [] if report.text else [f"text: {_quoted(placeholder(report.name))}"]
        if not (item.is_labelled and item.answers and report.kind == "labelled"):
            parts.append(f"answers: {_answer_map(item)}")
        lines.append(f"  {_scalar(report.name)}: {{{', '.join([*parts, *_scale(item)])}}}{text}")
    return lines


def _left_out(inspection: Inspection, choices: Choices) -> list[str]:
    """A comment with the variables that the draft uses nowhere, so that none is forgotten unseen."""
    boxes = {box for group in inspection.multiple_response for box in (*group.boxes, group.refused or "")}
    design = (inspection.weight_candidates[:1], inspection.strata_candidates[:1], inspection.cluster_candidates[:1])
    used = {choices.respondent_id, *choices.fields, *(item.report.name for item in choices.items), *boxes}
    used |= {name for names in design for name in names}
    left = [report.name for report in inspection.variables if report.name not in used]
    if not left:
        return []
    more = f" and {len(left) - _MOST_LEFT_OUT} more" if len(left) > _MOST_LEFT_OUT else ""
    return [f"  # Not used above: {', '.join(_comment(name) for name in left[:_MOST_LEFT_OUT])}{more}."]


def _scale(item: Item) -> list[str]:
    if not item.scale.is_ordinal:
        return []
    order = item.scale.order
    return ["scale: ordinal", *([f"order: [{', '.join(map(str, order))}]"] if order is not None else [])]


def _answer_map(item: Item) -> str:
    """Labels where the file has them, the values themselves where it has not: for a person to replace."""
    answers = item.answers[:_MOST_ANSWERS]
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
