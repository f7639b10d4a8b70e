"""Prompts of one arm and question: from a respondent's position to the conversation and its identity."""

from collections.abc import Sequence
from typing import NamedTuple

from producer.arms import ModelArm
from producer.prompting.conversation import AGAIN, Conversation, Turn
from producer.prompting.examples import Chosen, ExampleIndex
from producer.prompting.interview import Interview
from producer.prompting.one_text import OneText
from producer.prompting.option_orders import Order
from producer.prompting.persona_pieces import PersonaPieces
from producer.prompting.pieces import Message, Piece, piece_of
from producer.prompting.question_texts import QuestionTexts
from producer.prompting.strategies import Ask, Example, messages_of
from schemas.codebook import CodedVariable
from schemas.written_answers import RealAnswer


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
        codes: real answer by respondent position, in the question's own kind; None unless answered.
        seed: what a respondent's draw is seeded with, before the respondent id.
    """

    candidates: ExampleIndex
    codes: Sequence[RealAnswer | None]
    seed: tuple[str | int, ...]


class QuestionPrompts:
    """Writes the prompts of one arm for one question."""

    def __init__(
        self,
        arm: ModelArm,
        question: CodedVariable,
        personas: PersonaPieces,
        examples: ExampleSource | None = None,
        forms: Sequence[int | None] | None = None,
        interview: Interview | None = None,
    ) -> None:
        """Write for one arm and question.

        Args:
            arm: as it asks this question.
            question: as in the codebook.
            personas: by respondent position.
            examples: of a few-shot arm.
            forms: code of each respondent's form of a split ballot.
            interview: earlier answers that stand for the persona.
        """
        self._arm = arm
        self._personas = personas
        self._examples = examples
        self._interview = interview
        self._system = piece_of(arm.strategy.system, arm.counter.count)
        self._asks = QuestionTexts(arm, question, forms)
        self._stages = tuple(piece_of(text, arm.counter.count) for text in arm.strategy.stages)
        self._one_text = OneText(arm.counter.count) if arm.is_completion else None

    def conversation(
        self, position: int, respondent_id: str, orders: Sequence[Order] = ()
    ) -> tuple[Conversation, bool]:
        """What one respondent's request says, and whether their examples are relaxed.

        Several orders of the options are conversations of their own, one a turn.
        """
        said, is_relaxed = self._said(position, respondent_id, orders)
        return (said if self._one_text is None else self._one_text.of(said)), is_relaxed

    def _said(self, position: int, respondent_id: str, orders: Sequence[Order]) -> tuple[Conversation, bool]:
        order = orders[0] if orders else None
        first, is_relaxed = self._first(position, respondent_id, order)
        if self._stages:
            asks = [*self._stages[1:], self._asks.piece(position, order)]
            return Conversation(first, tuple(Turn((Message("user", (ask,)),)) for ask in asks)), is_relaxed
        if len(orders) < 2:
            return Conversation(first), is_relaxed
        others = (
            AGAIN if other == order else Turn(self._first(position, respondent_id, other)[0], is_fresh=True)
            for other in orders[1:]
        )
        return Conversation(first, tuple(others)), is_relaxed

    def question(self, position: int, order: Order) -> tuple[Piece, ...]:
        """The question alone, as it is put after others."""
        ask = self._asks.ask(position, order)
        return (*ask.before, *ask.after)

    def _first(self, position: int, respondent_id: str, order: Order | None) -> tuple[tuple[Message, ...], bool]:
        persona = self._personas.piece(position)
        ask = Ask((), self._stages[:1]) if self._stages else self._asks.ask(position, order)
        if self._interview is not None:
            opening = Message("system", (self._system,))
            return (opening, *self._interview.messages(position), Message("user", (*ask.before, *ask.after))), False
        if self._examples is None:
            return messages_of(self._system, ask, persona), False
        chosen = self._chosen(self._examples, position, respondent_id)
        shown = [Example(self._personas.piece(i), self._answer(self._examples, i, order)) for i in chosen.positions]
        return messages_of(self._system, ask, persona, shown), chosen.is_relaxed

    def request(self, position: int, respondent_id: str, repeat: int = 0, orders: Sequence[Order] = ()) -> Request:
        """The request of one task; tasks with equal keys share it."""
        conversation, is_relaxed = self.conversation(position, respondent_id, orders)
        turns = conversation.canonical()
        key = self._arm.identity.digest(turns, respondent_id=respondent_id, repeat=repeat)
        completion = self._arm.completion
        tokens = conversation.prompt_tokens(self._arm.overhead, each_answer=completion.expected // completion.n_turns)
        return Request(key, turns, tokens.total, tokens.largest, is_relaxed)

    def _chosen(self, source: ExampleSource, position: int, respondent_id: str) -> Chosen:
        return source.candidates.choose(position, seed=(*source.seed, respondent_id))

    def _answer(self, source: ExampleSource, position: int, order: Order | None) -> Piece:
        answer = source.codes[position]
        assert answer is not None, "candidates answered"
        return self._asks.answer(answer, order)
