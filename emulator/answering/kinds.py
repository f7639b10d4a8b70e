"""Answers that are not one option: several options, a number, own words.

    several   every option whose score is above 0 (as many as half of them, on average)
    number    low + (high - low) * sigmoid(1.5 * t), t the score of a single option made of question and persona
    words     a sentence on one of a few topics, chosen like an option, and a fact of the persona

so that who shares a line of the persona leans alike here too.
"""

from collections.abc import Sequence
from math import exp

from emulator.answering.prompt import Asked
from emulator.answering.seeds import draws

TOPICS = ("the economy and prices", "health care", "immigration", "crime and safety", "schools", "the environment")
_SENTENCES = (
    "What comes to mind first is {topic}. {fact}",
    "Mostly {topic}, I would say, because it touches daily life. {fact}",
    "It is {topic} that worries me most these days.",
)


def several(asked: Asked, scores: Sequence[float], *, noise: float) -> list[str]:
    """Codes of all options that apply, in the order shown.

    Args:
        asked: with options.
        scores: of the options.
        noise: added to all of them; 0 at temperature 0.
    """
    return [code for code, score in zip(asked.codes, scores, strict=True) if score + noise > 0]


def number(asked: Asked, score: float) -> float:
    """A number within the bounds; a whole one where that is asked for."""
    assert asked.wanted.bounds is not None, "a number is asked for"
    low, high = asked.wanted.bounds
    value = low + (high - low) / (1 + exp(-1.5 * score))
    return float(round(value)) if asked.wanted.is_whole else round(value, 1)


def number_text(value: float) -> str:
    """As people write it: no `.0`."""
    return f"{value:.10g}"


def words(asked: Asked, topic: int, prompt: str) -> str:
    """A sentence or two on a topic."""
    pick = draws("words", prompt)
    fact = asked.persona[int(pick.first * len(asked.persona))] if asked.persona else ""
    return _SENTENCES[int(pick.second * len(_SENTENCES))].format(topic=TOPICS[topic], fact=fact).strip()
