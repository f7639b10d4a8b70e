"""From a valid order to what the model says, cut by its limits and spoiled by a fault, with the tokens billed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.answering import prompt, respondent, tokens
from emulator.answering.manner import PLAIN, Manner
from emulator.answering.prompt import Asked
from emulator.answering.seeds import draws
from emulator.answering.token_path import Cut, Place, places
from emulator.faults import Fault
from emulator.wire.parameters import Order

if TYPE_CHECKING:
    from emulator.tuning.tuned_model import TunedModel

_SORRY = "I'm sorry, but I can't help with that."
_LEAST_REASONING = 24
_REASONING_SPREAD = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of an answer.

    Attributes:
        content, refusal: texts; either may be None.
        finish_reason: stop, length or content_filter.
        places: tokens with what could have stood there, where that is known and asked for; else empty.
        completion_tokens: billed, reasoning included.
    """

    content: str | None
    refusal: str | None
    finish_reason: str
    places: tuple[Place, ...]
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
    cut = tokens.digit_pieces if speaker.manner.split_digits else tokens.pieces
    made = []
    for at in range(order.n):
        said = _said(order, asked, speaker, f"{key}/{at}")
        reasoning = _reasoning_tokens(order, asked, speaker.seed, f"{key}/{at}") if order.effort > 0 else 0
        made.append(_spoiled(_cut(said, reasoning, order, cut), fault))
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


def _cut(said: respondent.Said, reasoning: int, order: Order, cut: Cut) -> Choice:
    text = min((said.text.partition(stop)[0] for stop in order.stops), key=len, default=said.text)
    parts, limit = cut(text), order.max_tokens
    if limit is None or reasoning + len(parts) <= limit:
        return Choice(text, None, "stop", _places(text, said, order, cut), reasoning + len(parts), reasoning)
    text = "".join(parts[: max(0, limit - reasoning)])
    return Choice(text, None, "length", _places(text, said, order, cut), limit, min(reasoning, limit))


def _places(text: str, said: respondent.Said, order: Order, cut: Cut) -> tuple[Place, ...]:
    return () if order.top_logprobs is None or not said.texts else tuple(places(text, said.texts, cut))


def _spoiled(choice: Choice, fault: Fault | None) -> Choice:
    used, reasoning = choice.completion_tokens, choice.reasoning_tokens
    if fault is Fault.EMPTY_CONTENT:
        return Choice("", None, "stop", (), used, reasoning)
    if fault is Fault.NULL_CONTENT:
        return Choice(None, None, "stop", (), used, reasoning)
    if fault is Fault.FILTER_ANSWER:
        return Choice(None, None, "content_filter", (), used, reasoning)
    if fault is Fault.REFUSAL or fault is Fault.FILTER_PROMPT:
        return Choice(None, _SORRY, "stop", (), reasoning + tokens.count(_SORRY), reasoning)
    if fault is Fault.TRUNCATED:
        parts = tokens.pieces(choice.content if choice.content is not None else "")
        half = len(parts) // 2
        return Choice("".join(parts[:half]), None, "length", (), reasoning + half, reasoning)
    return choice
