"""Reading numbers: one within the bounds, with the unit or without, else a reason. Never clipped, never a guess."""

import math
import re

from workers.reading.answer_texts import bare, folded, plain_digits
from workers.reading.answer_values import Number, Offered, Unparsed

_PLAIN = re.compile(r"[-+−]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_THOUSANDS = re.compile(r"[-+−]?[0-9]{1,3}(?:,[0-9]{3})+")


def read_number(value: str, offered: Offered) -> Number | Unparsed:
    """A number as in `7`, `7.5`, `7 hours`; `1,200` only where whole numbers are asked for, since it may mean 1.2."""
    plain = plain_digits(bare(value))
    unit = folded(offered.unit)
    if unit and folded(plain).endswith(unit):
        plain = bare(folded(plain).removesuffix(unit))
    if _PLAIN.fullmatch(plain):
        return bounded(float(plain.replace("−", "-")), offered)
    if offered.whole and _THOUSANDS.fullmatch(plain):
        return bounded(float(plain.replace("−", "-").replace(",", "")), offered)
    return Unparsed("no_number")


def bounded(value: float, offered: Offered) -> Number | Unparsed:
    """The number if the question allows it."""
    if not math.isfinite(value):
        return Unparsed("no_number")
    below = offered.minimum is not None and value < offered.minimum
    above = offered.maximum is not None and value > offered.maximum
    if below or above:
        return Unparsed("out_of_bounds")
    if offered.whole and not value.is_integer():
        return Unparsed("not_whole")
    return Number(value)
