"""A tuned model: for every question of its training file a classifier; for others the base model still speaks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.tuning.text_classifier import TextClassifier
from emulator.tuning.text_features import Situation, situation
from emulator.tuning.training_file import Example

_OPTION, _TEXT = "option ", "text "
_STOP_TEXT = re.compile(r"^\s+(\S.*?)(\s*(?:END|###|\n)\s*)$", re.DOTALL)


class Voice(NamedTuple):
    """How the answers of a training file look around the answer itself: a blank before, a mark behind."""

    before: str = ""
    behind: str = ""


@dataclass(frozen=True)
class TunedModel:
    """What a training made.

    Attributes:
        heads: question -> classifier. Classes are options by their label, or texts.
        voice: how it spells them.
    """

    heads: Mapping[str, TextClassifier]
    voice: Voice

    def chances(self, messages: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
        """Text of an answer -> probability; None: it was not trained on this question."""
        seen = situation(messages)
        head = self.heads.get(seen.key)
        if head is None:
            return None
        spelled = {label: code for code, label in seen.labels.items()}
        found: dict[str, float] = {}
        for name, p in zip(head.classes, head.likelihoods(seen.lines), strict=True):
            if name.startswith(_TEXT):
                found[name.removeprefix(_TEXT)] = float(p)
            elif name.removeprefix(_OPTION) in spelled:
                found[self._spelled(spelled[name.removeprefix(_OPTION)])] = float(p)
        total = sum(found.values())
        return {text: p / total for text, p in found.items()} if total > 0 else None

    def _spelled(self, code: str) -> str:
        return f"{self.voice.before}{code}{self.voice.behind}"


def voice_of(examples: Sequence[Example]) -> Voice:
    """Blank and stop mark that every answer of the older form shares; nothing for chats."""
    matches = [_STOP_TEXT.match(example.target) for example in examples]
    behind = {match[2] for match in matches if match}
    if all(matches) and len(behind) == 1:
        return Voice(" ", behind.pop())
    if examples and all(example.target.startswith(" ") for example in examples):
        return Voice(" ", "")
    return Voice()


def target_class(example: Example, seen: Situation, voice: Voice) -> str:
    """The class of an answer: the label of the option it names, else its text."""
    bare = example.target
    if voice.before or voice.behind:
        bare = bare.removeprefix(voice.before).removesuffix(voice.behind)
    label = seen.labels.get(bare)
    return f"{_TEXT}{example.target}" if label is None else f"{_OPTION}{label}"
