"""How a request stands on a line of an input file: the call that is next, as an online call would send it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from producer.prompting.turns import Messages, Turns, call_tokens
from providers.families import wire_parameters
from schemas.completion_form import asked
from schemas.identity import call_id
from schemas.models import Family

_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\u0085\u2028\u2029"}
"""Written as escapes: some readers, though not those of the services as far as is known, end lines there."""


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What the lines of one model's files look like.

    Attributes:
        model: name in the models file, as in the plan.
        wire_name: `body.model`: the name of the batch deployment.
        url: on every line.
        family: of the model.
    """

    model: str
    wire_name: str
    url: str
    family: Family = "chat"


class BatchRequest(NamedTuple):
    """A line with what it takes of the queue and, at most, of the quota."""

    custom_id: str
    data: bytes
    n_tokens: int
    n_max_tokens: int


class Planned(NamedTuple):
    """Tokens of a request as the plan has them: of all its calls together."""

    prompt: int
    completion: int
    most: int


class Spelling:
    """Lines as JSON; the parts that repeat are encoded once."""

    def __init__(self, spec: BatchSpec) -> None:
        self._url = _json(spec.url)
        self._model = _json(spec.wire_name)
        self._family = spec.family
        self._parameters: dict[str, str] = {}

    def line(
        self, request_id: str, turns: str, parameters: str, planned: Planned, texts: Sequence[str]
    ) -> BatchRequest:
        """The call that follows the answers `texts`.

        Args:
            request_id: its call id is the custom_id.
            turns: the plan's column.
            parameters: likewise.
            planned: likewise.
            texts: answers of its earlier turns.
        """
        custom_id = call_id(request_id, len(texts))
        messages, tokens = _call(turns, planned, texts)
        name, said = asked(messages)
        text = (
            f'{{"custom_id":{_json(custom_id)},"method":"POST","url":{self._url},'
            f'"body":{{"model":{self._model},"{name}":{_json(said)}{self._more(parameters)}}}}}\n'
        )
        if not text.isascii():
            text = text.translate(_LINE_ENDS)
        return BatchRequest(custom_id, text.encode(), *tokens)

    def _more(self, parameters: str) -> str:
        """Wire parameters as the rest of a JSON object."""
        found = self._parameters.get(parameters)
        if found is None:
            wire = wire_parameters(self._family, json.loads(parameters))
            found = "".join(f",{_json(name)}:{_json(value)}" for name, value in wire.items())
            self._parameters[parameters] = found
        return found


def _call(turns: str, planned: Planned, texts: Sequence[str]) -> tuple[Messages, tuple[int, int]]:
    first, *later = json.loads(turns)
    if not later:
        return first, (planned.prompt, planned.most)
    talk, limit = Turns(first, tuple(later)), planned.most - planned.prompt
    tokens = call_tokens(talk, texts, prompt=planned.prompt, completion=planned.completion, limit=limit)
    return talk.messages(texts), (tokens.prompt, tokens.prompt + tokens.limit)


def _json(value: Any) -> str:  # noqa: ANN401 - whatever the plan holds
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
