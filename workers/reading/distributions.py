"""Distributions over the options of a question, from log-probabilities or from stated percentages. Pure.

Both give a share for every option, summing to 1, and the covered mass: the part of all probability that fell on
options, before the shares were scaled up by it.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from workers.reading.token_places import bare_option, first_only, follow, token_places

_LONGEST_READ_CHARS = 100_000


class Distribution(NamedTuple):
    """Probabilities of one task.

    Attributes:
        shares: code -> share, every offered code, in codebook order; sums to 1.
        covered_mass: 0..1.
    """

    shares: dict[int, float]
    covered_mass: float

    @property
    def best(self) -> int:
        """The most likely code, ties to the first."""
        return max(self.shares, key=self.shares.__getitem__)


def logprobs_of_turn(raw: str | None, turn: int) -> object:
    """What a service reported in one turn, from the column `logprobs`: one object, or a list with one a turn."""
    try:
        told = None if raw is None else json.loads(raw)
    except ValueError:
        return None
    if not isinstance(told, list):
        return told
    return told[turn] if turn < len(told) else None


def from_logprobs(told: object, spelled: Mapping[str, int], *, one_token: bool = False) -> Distribution | None:
    """The distribution over the options of an answer; None if no probability falls on one.

    Tokens that say the same option are added up: with a blank before them, in quotes, in capitals or small. An option
    of several tokens is followed token by token (`workers.reading.token_places`). What falls on a beginning that
    several options share, or on options beyond those that the service lists, is split evenly between them and not
    covered; what falls on other tokens is no option's, and not covered either.

    Args:
        told: the choice's `logprobs`, of a chat or of a completion.
        spelled: how options are written -> code, in codebook order.
        one_token: read the first token only, as readers before version 3 did.
    """
    codes = {bare_option(text): code for text, code in spelled.items()}
    found = (first_only if one_token else follow)(token_places(told), list(codes))
    if found is None:
        return None
    mass = dict.fromkeys(spelled.values(), 0.0)
    for text, chance in found.sure.items():
        mass[codes[text]] += chance
    for texts, chance in found.shared.items():
        for text in texts:
            mass[codes[text]] += chance / len(texts)
    return _scaled(mass, covered=sum(found.sure.values()))


def from_stated(text: str, spelled: Mapping[str, int], labels: Mapping[int, str]) -> Distribution | None:
    """The distribution that a JSON object states; None if it states none.

    Percentages and shares are read alike, since they are scaled to their own sum; what is stated for anything but an
    option is not covered. An option that is not named gets 0. The object may stand among other words.

    Args:
        text: the reply.
        spelled: how options are written -> code, in codebook order.
        labels: code -> label, which may stand for the code.
    """
    stated = _json_object(text)
    if stated is None:
        return None
    codes = {bare_option(label): code for code, label in labels.items()} | {
        bare_option(t): code for t, code in spelled.items()
    }
    mass, total = dict.fromkeys(spelled.values(), 0.0), 0.0
    named: set[int] = set()
    for key, value in stated:
        share, code = _number(value), codes.get(bare_option(key))
        if share is None or code in named:
            return None
        total += share
        if code is not None:
            named.add(code)
            mass[code] += share
    return _scaled(mass, covered=sum(mass.values()) / total) if total > 0 else None


def _scaled(mass: Mapping[int, float], *, covered: float) -> Distribution | None:
    total = sum(mass.values())
    if not total > 0:
        return None
    return Distribution({code: share / total for code, share in mass.items()}, min(1.0, covered))


def _json_object(text: str) -> list[tuple[str, Any]] | None:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start or len(text) > _LONGEST_READ_CHARS:
        return None
    try:
        pairs = json.loads(text[start : end + 1], object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    return pairs if isinstance(pairs, list) else None


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e6 else None
