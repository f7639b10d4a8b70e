"""Sets of codes as a study writes them: 99, "9", "-7..-5", "REF"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from survey.data import Code
from survey.formats.tagged_missing import letter_written

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")


@dataclass(frozen=True)
class CodeSet:
    """Single codes, texts and closed ranges of numbers."""

    singles: frozenset[Code]
    ranges: tuple[tuple[float, float], ...] = ()

    def __contains__(self, code: Code) -> bool:
        if code in self.singles:
            return True
        return not isinstance(code, str) and any(low <= code <= high for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.singles or self.ranges)


class CodeSetError(ValueError):
    """A range that runs backwards."""


def code_set(written: Iterable[int | str]) -> CodeSet:
    """The codes that a list in a study stands for.

    A number in quotation marks means the number and the text, `.A` the same lettered missing value as `.a`.

    Raises:
        CodeSetError: the first end of a range is above the second.
    """
    singles: set[Code] = set()
    ranges: list[tuple[float, float]] = []
    for item in written:
        match = _RANGE.fullmatch(item) if isinstance(item, str) else None
        if match is not None:
            ranges.append(_checked_range(str(item), float(match[1]), float(match[2])))
            continue
        singles.add(letter_written(item))
        if isinstance(item, str) and re.fullmatch(_NUMBER, item.strip()):
            number = float(item)
            singles.add(int(number) if number.is_integer() else number)
    return CodeSet(frozenset(singles), tuple(ranges))


def _checked_range(written: str, low: float, high: float) -> tuple[float, float]:
    if low > high:
        raise CodeSetError(f"the range `{written}` runs backwards; write the smaller number first")
    return low, high
