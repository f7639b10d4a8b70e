"""The base model: a seeded rule that answers survey questions from the prompt alone.

Each option has a score made of four parts, all fixed by hashes of (emulator seed, model, text):

    score = 0.5 * base(question, label)            the model's own leaning, the same for everybody
          + 1.0 * sum over the lines l of the persona of pull(l, question, label) / sqrt(number of lines)
          + 0.5 * share of the examples that gave this option
          + 0.4 * noise(whole prompt, label)

base, pull and noise are uniform in [-1.7, 1.7] (standard deviation 1). A line counts by its lower-cased words, and
numbers in it by decade, so that people of 41 and 47 lean alike: whoever shares a line shares its pull, which is the
signal that demographics carry; words that everybody's persona has would only lean everybody. Options count by
label, not by code or place. Temperature 0 takes the best option, ties to the first shown; otherwise the option
is drawn with softmax(score / temperature), the draw fixed by seed, prompt and the sampling key that is handed in.
These probabilities, at temperature 0 those of temperature 1, are what `logprobs` reports and what a stated
distribution says, in percent. A lean to the first option and other manners: `emulator.answering.manner`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import exp, log, sqrt

from emulator.answering.kinds import TOPICS, number, number_text, several, words
from emulator.answering.manner import PLAIN, RAMBLING_TEXT, Manner, biased, first_tokens
from emulator.answering.prompt import Asked
from emulator.answering.seeds import draws
from emulator.answering.structured import written

_WORD = re.compile(r"[^\W\d_]+|\d+")
_UNIT_SPREAD = 2 * sqrt(3)
_NO_OPTIONS = "I am here to help. No options were found in the question."
_MUSINGS = (
    "{fact} Much follows from that: daily life, the people around, and what there is to lose or to gain.",
    "To begin with: {fact} Somebody like this weighs new things against what has held so far.",
    "What stands out is this. {fact} The rest of the picture fits: plain wishes, some worries, little time.",
)
_REASONS = (
    "Looking at what is known about this person, one thing stands out: {fact} "
    'Someone in that position would most likely say "{label}".',
    "{fact} That shapes how this person sees the matter, and everyday experience points the same way. "
    'On balance "{label}" comes closest.',
    'I weigh the options from this person\'s point of view. {fact} The other options fit less well than "{label}".',
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says before any limit cuts it.

    Attributes:
        text: the answer.
        chances: option code -> probability at the temperature asked (at 0: at temperature 1); empty without options.
        texts: whole answer, or its first token -> probability; empty unless the text is a code alone or rambles.
    """

    text: str
    chances: dict[str, float]
    texts: dict[str, float] = field(default_factory=dict)


def answer(
    asked: Asked, *, seed: int, model: str, temperature: float, sampling_key: str, manner: Manner = PLAIN
) -> Said:
    """Answer a conversation.

    Args:
        asked: the conversation.
        seed: the emulator's.
        model: its id; models lean differently.
        temperature: 0 takes the best option.
        sampling_key: tells apart draws for the same prompt; without effect at temperature 0.
        manner: how the answer is put.
    """
    prompt = "\x1e".join(asked.texts)
    voice = f"{seed}/{model}"
    noise = temperature * _unit("draw", voice, prompt, sampling_key)
    if not asked.codes:
        return Said(_without_options(asked, prompt, voice, noise, manner), {})
    scores = option_scores(asked, prompt, voice=voice)
    if asked.wanted.several:
        codes = several(asked, scores, noise=noise)
        return Said(RAMBLING_TEXT if manner.style == "rambling" else _several_text(asked, codes, prompt), {})
    chances = biased(_softmax(scores, temperature if temperature > 0 else 1.0), manner.first_option_bias)
    named = dict(zip(asked.codes, chances, strict=True))
    if manner.style == "rambling":
        return Said(RAMBLING_TEXT, named, {RAMBLING_TEXT.partition(" ")[0]: 1.0})
    if temperature > 0:
        chosen = _drawn(chances, draws("draw", seed, model, prompt, sampling_key).first)
    else:
        chosen = chances.index(max(chances))
    text = _chosen_text(asked, chosen, named, prompt)
    return Said(text, named, first_tokens(named, manner) if text == asked.codes[chosen] else {})


def _chosen_text(asked: Asked, chosen: int, named: Mapping[str, float], prompt: str) -> str:
    """One option in the shape asked for: shares, structured output, a line after reasons, or the code alone."""
    if asked.wants_shares:
        return json.dumps({code: round(100 * chance, 4) for code, chance in named.items()})
    if asked.wanted.schema is not None:
        return written(asked.wanted.schema, _plain(asked.codes[chosen]), _reason(asked, chosen, prompt))
    return _reasoned(asked, chosen, prompt) if asked.wants_reason else asked.codes[chosen]


def tuned_answer(
    asked: Asked, chances: Mapping[str, float], *, seed: int, model: str, temperature: float, sampling_key: str
) -> Said:
    """What a tuned model says: its likeliest answer, or one drawn at the temperature.

    Args:
        asked: the conversation.
        chances: text -> probability, as trained.
        seed: the emulator's.
        model: its base model's id.
        temperature: 0 takes the likeliest.
        sampling_key: tells apart draws for the same prompt; without effect at temperature 0.
    """
    texts = list(chances)
    shares = [chances[text] ** (1 / temperature) if temperature > 0 else chances[text] for text in texts]
    shares = [share / sum(shares) for share in shares]
    if temperature > 0:
        chosen = _drawn(shares, draws("draw", seed, model, "\x1e".join(asked.texts), sampling_key).first)
    else:
        chosen = shares.index(max(shares))
    known = dict(zip(texts, shares, strict=True))
    return Said(texts[chosen], known, known)


def option_scores(asked: Asked, prompt: str, *, voice: str) -> list[float]:
    """Score of every option, in the order shown; see the module's formula."""
    base = _base(voice, asked.question, asked.labels)
    pulls = [_line_pull(voice, asked.question, asked.labels, _gist(line)) for line in asked.persona]
    scores = []
    for at, (code, label) in enumerate(zip(asked.codes, asked.labels, strict=True)):
        told = sum(pull[at] for pull in pulls) / sqrt(len(pulls)) if pulls else 0.0
        shown = asked.examples.count(code) / len(asked.examples) if asked.examples else 0.0
        noise = _unit("noise", voice, prompt, label)
        scores.append(0.5 * base[at] + told + 0.5 * shown + 0.4 * noise)
    return scores


@lru_cache(maxsize=4096)
def _base(voice: str, question: str, labels: Sequence[str]) -> tuple[float, ...]:
    return tuple(_unit("base", voice, question, label) for label in labels)


@lru_cache(maxsize=65_536)
def _line_pull(voice: str, question: str, labels: Sequence[str], gist: str) -> tuple[float, ...]:
    return tuple(_unit("pull", voice, gist, question, label) for label in labels)


@lru_cache(maxsize=4096)
def _gist(line: str) -> str:
    return " ".join(_decade(word) for word in _WORD.findall(line.lower()))


def _decade(word: str) -> str:
    return f"{word[:-1]}x" if word.isdigit() else word


def _unit(*names: str) -> float:
    return (draws(*names).first - 0.5) * _UNIT_SPREAD


def _softmax(scores: Sequence[float], temperature: float) -> list[float]:
    top = max(scores)
    weights = [exp((score - top) / temperature) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]


def _drawn(chances: Sequence[float], uniform: float) -> int:
    edge = 0.0
    for at, chance in enumerate(chances):
        edge += chance
        if uniform < edge:
            return at
    return len(chances) - 1


def _mused(asked: Asked, prompt: str) -> str:
    """Thoughts on a person where nothing is to be chosen."""
    if not asked.persona:
        return _NO_OPTIONS
    pick = draws("muse", prompt)
    fact = asked.persona[int(pick.first * len(asked.persona))]
    return _MUSINGS[int(pick.second * len(_MUSINGS))].format(fact=fact)


def _without_options(asked: Asked, prompt: str, voice: str, noise: float, manner: Manner) -> str:
    """A number or own words where they are asked for; else thoughts on the person."""
    wanted = asked.wanted
    if wanted.bounds is None and not wanted.own_words:
        return _mused(asked, prompt)
    if manner.style == "rambling":
        return RAMBLING_TEXT
    told: int | float | str
    if wanted.bounds is not None:
        (score,) = _scores(asked, prompt, voice, ("number",))
        told = number(asked, score + noise)
    else:
        scores = _scores(asked, prompt, voice, TOPICS)
        told = words(asked, scores.index(max(scores)), f"{prompt}{noise}")
    if wanted.schema is not None:
        return written(wanted.schema, _plain(told), _mused(asked, prompt))
    text = told if isinstance(told, str) else number_text(told)
    return f"{_mused(asked, prompt)}\nANSWER: {text}" if asked.wants_reason else text


def _scores(asked: Asked, prompt: str, voice: str, labels: tuple[str, ...]) -> list[float]:
    """Scores as if these were the options."""
    return option_scores(replace(asked, codes=labels, labels=labels), prompt, voice=voice)


def _several_text(asked: Asked, codes: Sequence[str], prompt: str) -> str:
    if asked.wanted.schema is not None:
        return written(asked.wanted.schema, [_plain(code) for code in codes], _mused(asked, prompt))
    text = asked.wanted.between.join(codes) if codes else "NONE"
    return f"{_mused(asked, prompt)}\nANSWER: {text}" if asked.wants_reason else text


def _plain(told: float | str) -> int | float | str:
    """A value as JSON writes it: codes and whole numbers without quotes or decimals."""
    if isinstance(told, str):
        return int(told) if told.lstrip("-").isdigit() else told
    return int(told) if float(told).is_integer() else told


def _reasoned(asked: Asked, chosen: int, prompt: str) -> str:
    return f"{_reason(asked, chosen, prompt)}\nANSWER: {asked.codes[chosen]}"


def _reason(asked: Asked, chosen: int, prompt: str) -> str:
    pick = draws("reason", prompt)
    fact = asked.persona[int(pick.first * len(asked.persona))] if asked.persona else "Little is known."
    return _REASONS[int(pick.second * len(_REASONS))].format(fact=fact, label=asked.labels[chosen])


def log_chance(chance: float) -> float:
    """Natural logarithm of a probability, -9999.0 where it is nothing, as the services report it."""
    return log(chance) if chance > 0 else -9999.0
