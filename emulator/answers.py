"""From a valid order to what the model says, cut by its limits and spoiled by a fault, with the tokens billed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator import prompt, respondent, tokens
from emulator.faults import Fault
from emulator.manner import PLAIN, Manner
from emulator.parameters import Order
from emulator.prompt import Asked
from emulator.seeds import draws

if TYPE_CHECKING:
    from emulator.tuned_model import TunedModel

_SORRY = "I'm sorry, but I can't help with that."
_LEAST_REASONING = 24
_REASONING_SPREAD = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of an answer.

    Attributes:
        content, refusal: texts; either may be None.
        finish_reason: stop, length or content_filter.
        tokens: first token -> probability where they are known (`respondent.Said`); else empty.
        completion_tokens: billed, reasoning included.
    """

    content: str | None
    refusal: str | None
    finish_reason: str
    tokens: dict[str, float]
    completion_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens billed; cached are part of the prompt's, reasoning part of the completion's."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """All choices and what they cost in tokens."""

    choices: tuple[Choice, ...]
    usage: Usage


class Speaker(NamedTuple):
    """Who answers: model id, the emulator's seed, what tells draws for one prompt apart, manner, what was trained."""

    model: str
    seed: int
    sampling_key: str
    manner: Manner = PLAIN
    tuned: "TunedModel | None" = None


def make_answer(
    order: Order, asked: Asked, speaker: Speaker, *, prompt_tokens: int, cached_tokens: int, fault: Fault | None
) -> Answer:
    """The answer to an order. Billed even where a fault takes the text away."""
    key = speaker.sampling_key if order.seed is None else f"seed {order.seed}"
    made = []
    for at in range(order.n):
        said = _said(order, asked, speaker, f"{key}/{at}")
        reasoning = _reasoning_tokens(order, asked, speaker.seed, f"{key}/{at}") if order.effort > 0 else 0
        made.append(_spoiled(_cut(said, reasoning, order.max_tokens), fault))
    usage = Usage(
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
        completion_tokens=sum(choice.completion_tokens for choice in made),
        reasoning_tokens=sum(choice.reasoning_tokens for choice in made),
    )
    return Answer(() if fault is Fault.EMPTY_CHOICES else tuple(made), usage)


def _said(order: Order, asked: Asked, speaker: Speaker, key: str) -> respondent.Said:
    how: dict[str, Any] = {
        "seed": speaker.seed,
        "model": speaker.model,
        "temperature": order.temperature,
        "sampling_key": key,
    }
    chances = None if speaker.tuned is None else speaker.tuned.chances(order.messages)
    if chances is None:
        return respondent.answer(asked, **how, manner=speaker.manner)
    return respondent.tuned_answer(asked, chances, **how)


def read_prompt(order: Order) -> Asked:
    """What the base model sees of an order."""
    return prompt.read(order.messages, order.schema)


def _reasoning_tokens(order: Order, asked: Asked, seed: int, key: str) -> int:
    uniform = draws("effort", seed, asked.question, key).first
    return round(order.effort * (_LEAST_REASONING + _REASONING_SPREAD * uniform))


def _cut(said: respondent.Said, reasoning: int, limit: int | None) -> Choice:
    parts = tokens.pieces(said.text)
    if limit is None or reasoning + len(parts) <= limit:
        return Choice(said.text, None, "stop", said.tokens, reasoning + len(parts), reasoning)
    room = max(0, limit - reasoning)
    return Choice("".join(parts[:room]), None, "length", said.tokens if room else {}, limit, min(reasoning, limit))


def _spoiled(choice: Choice, fault: Fault | None) -> Choice:
    used, reasoning = choice.completion_tokens, choice.reasoning_tokens
    if fault is Fault.EMPTY_CONTENT:
        return Choice("", None, "stop", {}, used, reasoning)
    if fault is Fault.NULL_CONTENT:
        return Choice(None, None, "stop", {}, used, reasoning)
    if fault is Fault.FILTER_ANSWER:
        return Choice(None, None, "content_filter", {}, used, reasoning)
    if fault is Fault.REFUSAL or fault is Fault.FILTER_PROMPT:
        return Choice(None, _SORRY, "stop", {}, reasoning + tokens.count(_SORRY), reasoning)
    if fault is Fault.TRUNCATED:
        parts = tokens.pieces(choice.content if choice.content is not None else "")
        half = len(parts) // 2
        return Choice("".join(parts[:half]), None, "length", {}, reasoning + half, reasoning)
    return choice
