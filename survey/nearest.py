"""Names that were perhaps meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest_names(name: str, known: Iterable[str], *, n: int = 3) -> list[str]:
    """Up to n known names like this one, best first; another case of the same name comes before all."""
    names = list(known)
    by_lower = {candidate.lower(): candidate for candidate in reversed(names)}
    close = get_close_matches(name.lower(), by_lower, n=n, cutoff=0.6)
    return [by_lower[lower] for lower in close]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known names, or says where to look."""
    close = nearest_names(name, known)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return "`nightpoll inspect` lists the variables of a survey file."
