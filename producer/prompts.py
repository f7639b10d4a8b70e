"""Prompts of one arm and question: from a respondent's position to the conversation and its identity."""

from collections.abc import Sequence
from typing import NamedTuple

from producer.arms import ModelArm
from producer.examples import Chosen, ExampleIndex
from producer.persona_pieces import PersonaPieces
from producer.pieces import Message, Piece, canonical_turns, content_tokens, piece_of
from producer.strategies import Example, messages_of, question_text
from schemas.codebook import CodedVariable


class Request(NamedTuple):
    """One conversation, ready for the plan.

    Attributes:
        key: 16 bytes, hex of which is the request id.
        turns: canonical JSON.
        prompt_tokens: contents plus what the chat format adds.
        is_relaxed: its examples do not share all `match` variables.
    """

    key: bytes
    turns: str
    prompt_tokens: int
    is_relaxed: bool


class ExampleSource(NamedTuple):
    """Where a few-shot arm finds the examples of one question.

    Attributes:
        candidates: training respondents with an answer.
        codes: real answer by respondent position; None unless answered.
        seed: what a respondent's draw is seeded with, before the respondent id.
    """

    candidates: ExampleIndex
    codes: Sequence[int | None]
    seed: tuple[str | int, ...]


class QuestionPrompts:
    """Writes the prompts of one arm for one question."""

    def __init__(
        self,
        arm: ModelArm,
        question: CodedVariable,
        personas: PersonaPieces,
        examples: ExampleSource | None = None,
    ) -> None:
        self._arm = arm
        self._personas = personas
        self._examples = examples
        self._system = piece_of(arm.strategy.system, arm.counter.count)
        self._ask = piece_of(question_text(question, arm.strategy.instruction), arm.counter.count)
        self._answers = {code: piece_of(str(code), arm.counter.count) for code in question.codes}

    def conversation(self, position: int, respondent_id: str) -> tuple[tuple[Message, ...], bool]:
        """Messages for one respondent, and whether their examples are relaxed."""
        persona = self._personas.piece(position)
        if self._examples is None:
            return messages_of(self._system, self._ask, persona), False
        chosen = self._chosen(self._examples, position, respondent_id)
        shown = [Example(self._personas.piece(i), self._answer(self._examples, i)) for i in chosen.positions]
        return messages_of(self._system, self._ask, persona, shown), chosen.is_relaxed

    def request(self, position: int, respondent_id: str, repeat: int = 0) -> Request:
        """The request of one task; tasks with equal keys share it."""
        messages, is_relaxed = self.conversation(position, respondent_id)
        turns = canonical_turns(messages)
        key = self._arm.identity.digest(turns, respondent_id=respondent_id, repeat=repeat)
        tokens = content_tokens(messages) + self._arm.counter.overhead(len(messages))
        return Request(key, turns, tokens, is_relaxed)

    def _chosen(self, source: ExampleSource, position: int, respondent_id: str) -> Chosen:
        return source.candidates.choose(position, seed=(*source.seed, respondent_id))

    def _answer(self, source: ExampleSource, position: int) -> Piece:
        code = source.codes[position]
        assert code is not None, "candidates answered"
        return self._answers[code]
