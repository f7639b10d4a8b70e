"""Whether the answers of a question have an order, guessed from their labels. A guess for a draft, never for a run."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from survey.data import Code

_GRADES = re.compile(
    r"excellent|\bgood\b|\bfair\b|\bpoor\b|\bbad\b|terrible|satisf|"
    r"not at all|not too|not very|\blittle\b|slight|somewhat|moderate|fairly|\bvery\b|extreme|completely|mostly|"
    r"\ba lot\b|great deal|\bsome\b|\bnone\b|severe|fair amount|not much|nothing|independent|"
    r"agree|never|rarely|seldom|hardly|sometimes|occasional|often|usually|always|daily|every day|weekly|monthly|"
    r"\btimes?\b|\bonce\b|\btwice\b|constantly|favou?r|oppose|approve|important|likely|concerned|confident|"
    r"better|worse|\bsame\b|\bmore\b|\bless\b|fewer|increase|decrease|higher|lower|too much|too little|about right|"
    r"no difference|neither|neutral|(?:low|intermediate|middle|medium|high)\b(?! school)|"
    r"^\W*[<>$€£]?\s*\d|\bunder\b|\bover\b|or older|or younger|"
    r"\bnie\b|\bselten\b|manchmal|\boft\b|immer|stimme|\bgut\b|schlecht|nunca|a veces|siempre|de acuerdo|bueno|malo",
    re.IGNORECASE,
)
_MIDDLE = re.compile(r"no difference|\bsame\b|neither|about right|no change|neutral", re.IGNORECASE)


class Scale(NamedTuple):
    """A guessed scale; `order` only where it is not the codes' own."""

    is_ordinal: bool
    order: list[int] | None = None


def guessed_scale(answers: Sequence[tuple[Code, str]], measure: str) -> Scale:
    """Ordinal if three answers or more read like grades, are steps 1, 2, 3 ... without labels, or the file says so.

    Args:
        answers: codes with labels ("" if the file has none), without missing codes.
        measure: as the file states it.
    """
    codes = [code for code, _ in answers if isinstance(code, int)]
    if len(codes) < 3 or len(codes) < len(answers):
        return Scale(is_ordinal=False)
    labels = [label for _, label in answers if label]
    if not labels:
        return Scale(is_ordinal=are_steps(codes))
    if measure != "ordinal" and not all(_GRADES.search(label) for label in labels):
        return Scale(is_ordinal=False)
    if len(labels) == 3 and _MIDDLE.search(labels[2]) and not _MIDDLE.search(labels[1]):
        return Scale(is_ordinal=True, order=[codes[0], codes[2], codes[1]])
    return Scale(is_ordinal=True)


def are_steps(codes: Sequence[int]) -> bool:
    """The codes are steps of a short scale: one after the other, from a number near zero."""
    return sorted(codes) == list(range(min(codes), min(codes) + len(codes))) and abs(min(codes)) <= 10
