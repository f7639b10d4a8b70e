"""Prompts of one arm and question: from a respondent's position to the conversation and its identity."""

from collections.abc import Sequence
from typing import NamedTuple

from producer.arms import ModelArm
from producer.conversation import Conversation, Turn
from producer.examples import Chosen, ExampleIndex
from producer.persona_pieces import PersonaPieces
from producer.pieces import Message, Piece, piece_of
from producer.strategies import Example, asked_texts, messages_of
from schemas.codebook import CodedVariable


class Request(NamedTuple):
    """One conversation, ready for the plan.

    Attributes:
        key: 16 bytes, hex of which is the request id.
        turns: canonical JSON.
        prompt_tokens: contents plus what the chat format adds, of all calls.
        largest_tokens: of its largest call.
        is_relaxed: its examples do not share all `match` variables.
    """

    key: bytes
    turns: str
    prompt_tokens: int
    largest_tokens: int
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
        asks = [piece_of(text, arm.counter.count) for text in asked_texts(arm.strategy, question)]
        self._ask = asks[0]
        self._later = tuple(Turn((Message("user", (ask,)),)) for ask in asks[1:])
        self._answers = {code: piece_of(str(code), arm.counter.count) for code in question.codes}

    def conversation(self, position: int, respondent_id: str) -> tuple[Conversation, bool]:
        """What one respondent's request says, and whether their examples are relaxed."""
        persona = self._personas.piece(position)
        if self._examples is None:
            return Conversation(messages_of(self._system, self._ask, persona), self._later), False
        chosen = self._chosen(self._examples, position, respondent_id)
        shown = [Example(self._personas.piece(i), self._answer(self._examples, i)) for i in chosen.positions]
        return Conversation(messages_of(self._system, self._ask, persona, shown), self._later), chosen.is_relaxed

    def request(self, position: int, respondent_id: str, repeat: int = 0) -> Request:
        """The request of one task; tasks with equal keys share it."""
        conversation, is_relaxed = self.conversation(position, respondent_id)
        turns = conversation.canonical()
        key = self._arm.identity.digest(turns, respondent_id=respondent_id, repeat=repeat)
        completion = self._arm.completion
        tokens = conversation.prompt_tokens(
            self._arm.counter.overhead, each_answer=completion.expected // completion.n_turns
        )
        return Request(key, turns, tokens.total, tokens.largest, is_relaxed)

    def _chosen(self, source: ExampleSource, position: int, respondent_id: str) -> Chosen:
        return source.candidates.choose(position, seed=(*source.seed, respondent_id))

    def _answer(self, source: ExampleSource, position: int) -> Piece:
        code = source.codes[position]
        assert code is not None, "candidates answered"
        return self._answers[code]
