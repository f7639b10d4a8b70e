"""How the base model puts its answers: plainly or rambling, with a lean to the first option, with stray tokens.

Formulas, p being the model's own probabilities of K options in the order shown:

    biased    p_1 + b, and p_k - b / (K - 1) for the others; cut at 0 and scaled to sum 1. Over all rotations of the
              options the bias cancels, but for what is cut.
    tokens    the first token is the code with chance p * (1 - off) * (1 - spaced), the code after a blank with
              p * (1 - off) * spaced, and a word that is no code with the rest; off is shared out 2 to 1.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

STRAY_TOKENS = {"I": 2 / 3, "As": 1 / 3}
"""Token that is no code -> its share of what does not fall on codes."""


class Manner(BaseModel):
    """How answers are put.

    Attributes:
        style: plain: the answer asked for; rambling: a sentence that no reader can take for an answer.
        first_option_bias: probability that moves to the option shown first.
        off_codebook: probability of a first token that is no code; texts do not show it.
        spaced_share: share of each code's probability that is reported on its token with a blank before it.
        split_digits: every digit is a token of its own, as in some vocabularies.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    style: Literal["plain", "rambling"] = "plain"
    first_option_bias: float = Field(0.0, ge=0, le=1)
    off_codebook: float = Field(0.0, ge=0, lt=1)
    spaced_share: float = Field(0.0, ge=0, lt=1)
    split_digits: bool = False


PLAIN = Manner()
RAMBLING_TEXT = (
    "Honestly, some days I lean one way and some days another, and people around me see it differently still; "
    "I would rather talk it over than put a mark anywhere."
)


def biased(chances: Sequence[float], bias: float) -> list[float]:
    """Chances with the lean to the first option."""
    if bias == 0 or len(chances) < 2:
        return list(chances)
    others = bias / (len(chances) - 1)
    moved = [chances[0] + bias, *(max(0.0, chance - others) for chance in chances[1:])]
    return [chance / sum(moved) for chance in moved]


def first_tokens(chances: Mapping[str, float], manner: Manner) -> dict[str, float]:
    """Chance of each first token of a code alone; sums to 1."""
    found: dict[str, float] = {}
    for code, chance in chances.items():
        on_code = chance * (1 - manner.off_codebook)
        found[code] = on_code * (1 - manner.spaced_share)
        if manner.spaced_share:
            found[f" {code}"] = on_code * manner.spaced_share
    if manner.off_codebook:
        found |= {token: share * manner.off_codebook for token, share in STRAY_TOKENS.items()}
    return found
