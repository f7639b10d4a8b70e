"""Labels of a study against the labels of the file: a swapped pair is an error, other wording is a note."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from schemas.errors import Problem

_ALIKE = 0.6
_MARGIN = 0.1


def label_conflicts(
    name: str, given: Mapping[int, str], of_file: Mapping[int, str], *, where: str, notes: bool = True
) -> Iterator[Problem]:
    """Problems with the labels that a study gives to codes.

    A given label that is equal to, or clearly more like, the file's label of another code is an error that names
    both; any other difference is a note.

    Args:
        name: variable.
        given: code -> label of the study.
        of_file: code -> label of the file.
        where: dotted key in the study.
        notes: also report harmless differences.
    """
    for code, label in given.items():
        if code not in of_file:
            continue
        nearest = max(of_file, key=lambda other: (likeness(label, of_file[other]), other == code))
        own, best = likeness(label, of_file[code]), likeness(label, of_file[nearest])
        if nearest != code and best >= _ALIKE and (best == 1.0 or best - own > _MARGIN):
            yield Problem(
                f"{name}: the study calls {code} '{label}', and in the file {code} is '{of_file[code]}' "
                f"while {nearest} is '{of_file[nearest]}'.",
                where,
                f"Give '{label}' to {nearest}, or leave the labels to the file.",
                code="label_of_another_code",
            )
        elif notes and label != of_file[code]:
            yield Problem(
                f"{name}: the study calls {code} '{label}', the file '{of_file[code]}'.",
                where,
                level="note",
                code="label_differs",
            )


def likeness(one: str, other: str) -> float:
    """How alike two labels are, 0 to 1, whatever their case, punctuation and articles."""
    a, b = _plain(one), _plain(other)
    return 1.0 if a == b else SequenceMatcher(None, a, b, autojunk=False).ratio()


def _plain(label: str) -> str:
    words = re.findall(r"\w+|[+$%<>]", label.lower())
    return " ".join(word for word in words if word not in {"a", "an", "the"})
