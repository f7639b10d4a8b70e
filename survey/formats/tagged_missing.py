"""Lettered missing values of Stata (`.a` to `.z`) and SAS (`.A` to `.Z`, `._`), told apart in columns of numbers.

A column stores a letter as a whole number that no survey holds; as a code it is the text `.a`, in small letters.
"""

from collections.abc import Iterable

_LETTERS = "abcdefghijklmnopqrstuvwxyz_"
_FIRST = -(2**53) + 1
"""The smallest whole numbers that a float holds exactly."""

NUMBER_OF: dict[str, int] = {f".{letter}": _FIRST + n for n, letter in enumerate(_LETTERS)}
"""Code -> the number that stands for it in a column."""

_CODE_OF = {number: code for code, number in NUMBER_OF.items()}


def tagged_code(number: int) -> str | None:
    """The code that a stored number stands for, None if it is a number like others."""
    return _CODE_OF.get(number)


def letter_code(value: object) -> str | None:
    """The code of a letter as the files' reader gives it (`a`, `R`, `_`), None if it is something else."""
    code = f".{value.lower()}" if isinstance(value, str) else ""
    return code if code in NUMBER_OF else None


def letter_written(item: int | str) -> int | str:
    """An item of a study's list of codes, with a lettered missing value in small letters."""
    lower = item.lower() if isinstance(item, str) else ""
    return lower if lower in NUMBER_OF else item


def is_tagged(code: object) -> bool:
    """The code is a lettered missing value."""
    return code in NUMBER_OF


def stored(codes: Iterable[object]) -> list[object]:
    """Codes as a column of numbers holds them."""
    return [NUMBER_OF.get(code, code) if isinstance(code, str) else code for code in codes]
