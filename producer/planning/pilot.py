"""Pilots: a seeded sample of respondents, each smaller one inside each larger one inside the full run."""

from collections.abc import Sequence

from schemas.errors import UserInputError
from schemas.identity import digest


def pilot_positions(respondent_ids: Sequence[str], n: int | None, *, seed: int) -> list[int]:
    """Positions of the respondents of a pilot, in their given order.

    Args:
        respondent_ids: everyone who could take part.
        n: respondents wanted; None or more than there are: everyone.
        seed: of the study. Nothing else decides the order in which respondents join.

    Raises:
        UserInputError: n is not positive.
    """
    if n is not None and n < 1:
        raise UserInputError(f"a pilot of {n} respondents is none.", where="--pilot", hint="Ask for 1 or more.")
    everyone = range(len(respondent_ids))
    if n is None or n >= len(respondent_ids):
        return list(everyone)
    by_rank = sorted(everyone, key=lambda i: (digest("pilot", seed, respondent_ids[i]), respondent_ids[i]))
    return sorted(by_rank[:n])
