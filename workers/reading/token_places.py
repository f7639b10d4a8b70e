"""Log-probabilities as places: what could have stood at each token of an answer, and which options that leads to.

A vocabulary may hold a code such as 27 as one token or as two. At the first token of two, `2` stands for all options
that begin so; only on the path that the model took do further tokens tell them apart. Pure.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

_WRAPPING = " \t\r\n\"'`*_“”‘’()[]<>.:"


ROUNDING = 1e-9
"""Listed probabilities that are all there is add up to 1 within this."""


class Place(NamedTuple):
    """One token of an answer, and what could have stood there: token -> probability, itself included."""

    token: str
    chances: Mapping[str, float]


class Followed(NamedTuple):
    """Where the probability of an answer's first tokens leads.

    Attributes:
        sure: option as spelled -> probability that leads to it alone.
        shared: options -> probability that leads to one of them, nobody knows to which: they begin alike, or are
            beyond what the service lists.
    """

    sure: dict[str, float]
    shared: dict[tuple[str, ...], float]


def token_places(told: object) -> list[Place]:
    """The places of an answer as a service reports them, from the first token that is more than blanks.

    Args:
        told: `logprobs` of a chat's choice (`content`), or of a completion's (`tokens` and two lists beside it).
    """
    if not isinstance(told, dict):
        return []
    places = _of_chat(told["content"]) if isinstance(told.get("content"), list) else _of_completion(told)
    spoken = next((at for at, place in enumerate(places) if place.token.strip()), len(places))
    return places[spoken:]


def follow(places: Sequence[Place], options: Collection[str]) -> Followed | None:
    """Follow an answer's path until no option can be told from another any more; None without places.

    Args:
        places: from the first token that is more than blanks.
        options: as spelled, bare.
    """
    if not places:
        return None
    found = Followed({}, {})
    said, reach = "", 1.0
    for at, place in enumerate(places):
        chances = _by_text(place.chances, said)
        taken = _joined(said, place.token)
        goes_on = _goes_on(taken, places[at + 1 :], options)
        is_whole = not said and any(len(text) > 1 and text in options for text in chances)
        begun = {text: _begun(text, options, is_whole=is_whole, is_split=goes_on) for text in chances}
        for text, chance in chances.items():
            if text != taken or not goes_on:
                _count(found, reach * chance, begun[text])
        unlisted = tuple(o for o in options if o.startswith(said) and not any(o in some for some in begun.values()))
        _count_shared(found, reach * _left_for(unlisted, chances, begun), unlisted)
        if not goes_on:
            return found
        said, reach = taken, reach * chances.get(taken, 0.0)
    return found


def first_only(places: Sequence[Place], options: Collection[str]) -> Followed | None:
    """What the first token says of options that are one token; None without places."""
    if not places:
        return None
    return Followed({text: p for text, p in _by_text(places[0].chances, "").items() if text in options}, {})


def _goes_on(taken: str, rest: Sequence[Place], options: Collection[str]) -> bool:
    """The model wrote on towards an option: the next token keeps to the beginning of one."""
    if not rest:
        return False
    text = _joined(taken, rest[0].token)
    return text != taken and any(option.startswith(text) for option in options)


def _begun(text: str, options: Collection[str], *, is_whole: bool, is_split: bool) -> tuple[str, ...]:
    """Options that a text is, or may be the beginning of.

    Args:
        text: what has been said.
        options: as spelled.
        is_whole: the vocabulary holds options of several characters as one token: no token is a part of one.
        is_split: it is seen to cut them: a text that is an option may go on to another.
    """
    if not text:
        return ()
    if text in options and (is_whole or not is_split):
        return (text,)
    return () if is_whole else tuple(option for option in options if option.startswith(text))


def _count(found: Followed, chance: float, begun: tuple[str, ...]) -> None:
    if len(begun) == 1:
        found.sure[begun[0]] = found.sure.get(begun[0], 0.0) + chance
    else:
        _count_shared(found, chance, begun)


def _count_shared(found: Followed, chance: float, begun: tuple[str, ...]) -> None:
    if begun and chance > 0:
        found.shared[begun] = found.shared.get(begun, 0.0) + chance


def _left_for(unlisted: Collection[str], chances: Mapping[str, float], begun: Mapping[str, tuple[str, ...]]) -> float:
    """Probability that the service did not list, as far as options have it.

    Options have of it what they have of what is listed, and none of them more than the least of what is.
    """
    listed = [chance for chance in chances.values() if chance > 0]
    left = 1.0 - sum(listed)
    if not unlisted or not listed or left < ROUNDING:
        return 0.0
    on_options = sum(chance for text, chance in chances.items() if begun[text])
    return min(left * on_options / sum(listed), len(unlisted) * min(listed))


def _by_text(chances: Mapping[str, float], said: str) -> dict[str, float]:
    """What has been said with each token behind it; an end or a mark behind it leaves it as it is."""
    found: dict[str, float] = {}
    for token, chance in chances.items():
        text = _joined(said, token)
        found[text] = found.get(text, 0.0) + chance
    return found


def _joined(said: str, token: str) -> str:
    """`said` with a token behind it. A token that ends the answer adds nothing: a blank, a mark, a special token."""
    if not said:
        return bare_option(token)
    return said if _ends(token) else said + token.rstrip(_WRAPPING).casefold()


def _ends(token: str) -> bool:
    return not token.strip(_WRAPPING) or token[0] in _WRAPPING or token.startswith("<|")


def bare_option(text: str) -> str:
    """A text as options are compared: without blanks, quotes and marks around it, in small letters."""
    return " ".join(text.strip(_WRAPPING).casefold().split())


def _of_chat(content: Sequence[Any]) -> list[Place]:
    found = []
    for entry in content:
        token = entry.get("token") if isinstance(entry, dict) else None
        if not isinstance(token, str):
            break
        listed = entry.get("top_logprobs")
        told = [*(listed if isinstance(listed, list) else []), entry]
        pairs = [(one.get("token"), one.get("logprob")) for one in told if isinstance(one, dict)]
        found.append(Place(token, _chances(pairs)))
    return found


def _of_completion(told: Mapping[str, Any]) -> list[Place]:
    tokens, own, listed = (told.get(name) for name in ("tokens", "token_logprobs", "top_logprobs"))
    found = []
    for at, token in enumerate(tokens if isinstance(tokens, list) else []):
        if not isinstance(token, str):
            break
        there = _at(listed, at)
        pairs = [*(there.items() if isinstance(there, dict) else []), (token, _at(own, at))]
        found.append(Place(token, _chances(pairs)))
    return found


def _at(values: object, at: int) -> object:
    return values[at] if isinstance(values, list) and at < len(values) else None


def _chances(pairs: Sequence[tuple[Any, Any]]) -> dict[str, float]:
    """Token -> probability; of a token told twice the first counts."""
    found: dict[str, float] = {}
    for token, logprob in pairs:
        if isinstance(token, str) and isinstance(logprob, int | float) and not math.isnan(logprob):
            found.setdefault(token, math.exp(min(0.0, float(logprob))))
    return found
