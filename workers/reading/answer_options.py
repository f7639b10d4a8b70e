"""Reading options: one or several, by code, letter or label. Exactly what was offered, else a reason; never a guess."""

import re
from collections.abc import Mapping

from schemas.answer_format import LETTERS, Form
from workers.reading.answer_texts import bare, folded, plain_digits
from workers.reading.answer_values import Choice, Offered, Several, Unparsed

_CODE = re.compile(r"-?[0-9]{1,9}")
_MARK_AND_LABEL = re.compile(r"(-?[0-9]{1,9}|[A-Za-z])\s*[.):\-–—]\s*(\S.*)", re.DOTALL)
_BETWEEN_CODES = re.compile(r"\s*(?:[,;\n]|\band\b|&)\s*(?:and\b\s*)?", re.IGNORECASE)
_BETWEEN_LABELS = re.compile(r"\s*[;\n]\s*")
_NONE = frozenset({"none", "[]"})


def read_option(value: str, form: Form, offered: Offered) -> Choice | Unparsed:
    """One option."""
    if form == "letter":
        return _letter(value, offered)
    if form == "label":
        code = _code_of_label(bare(value), offered.labels)
        return Unparsed("no_label") if code is None else Choice(code)
    return _code(value, offered)


def read_options(value: str, form: Form, offered: Offered) -> Several | Unparsed:
    """Options between commas (labels: semicolons) or line breaks; `NONE` is an empty answer."""
    if folded(bare(value)) in _NONE and _code_of_label(bare(value), offered.labels) is None:
        return Several(())
    parts = (_BETWEEN_LABELS if form == "label" else _BETWEEN_CODES).split(value.strip())
    found: set[int] = set()
    for part in parts:
        one = read_option(part.strip().removeprefix("- "), form, offered)
        if isinstance(one, Unparsed):
            return Unparsed("no_list" if one.reason != "code_not_offered" else one.reason)
        found.add(one.code)
    return in_codebook_order(found, offered)


def in_codebook_order(codes: set[int], offered: Offered) -> Several:
    """Distinct codes as they stand in the codebook."""
    return Several(tuple(code for code in offered.labels if code in codes))


def _code(value: str, offered: Offered) -> Choice | Unparsed:
    plain = plain_digits(bare(value))
    if _CODE.fullmatch(plain):
        code = int(plain)
        return Choice(code) if code in offered.labels else Unparsed("code_not_offered")
    by_label = _code_of_label(bare(value), offered.labels)
    if by_label is not None:
        return Choice(by_label)
    both = _MARK_AND_LABEL.fullmatch(plain)
    if both is not None and both[1] not in LETTERS and both[1].lstrip("-").isdigit():
        stated = _code_of_label(bare(_label_part(value)), offered.labels)
        if stated == int(both[1]):
            return Choice(stated)
    return Unparsed("no_code")


def _label_part(value: str) -> str:
    """What follows the mark, with its own digits untouched."""
    found = re.fullmatch(r"\W*-?\d{1,9}\s*[.):\-–—]\s*(\S.*)", bare(value), re.DOTALL)
    return found[1] if found is not None else ""


def _letter(value: str, offered: Offered) -> Choice | Unparsed:
    plain = bare(value)
    by_letter = dict(zip(LETTERS, offered.order, strict=False))
    if len(plain) == 1 and plain.upper() in by_letter:
        code = by_letter[plain.upper()]
        said = _code_of_label(plain, offered.labels)
        return Choice(code) if said in (None, code) else Unparsed("no_letter")
    both = _MARK_AND_LABEL.fullmatch(plain)
    if both is not None and both[1].upper() in by_letter:
        code = by_letter[both[1].upper()]
        if _code_of_label(bare(both[2]), offered.labels) == code:
            return Choice(code)
    return Unparsed("no_letter")


def _code_of_label(plain: str, labels: Mapping[int, str]) -> int | None:
    wanted = folded(plain)
    matches = [code for code, label in labels.items() if folded(bare(label)) == wanted]
    return matches[0] if len(matches) == 1 else None
