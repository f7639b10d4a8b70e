"""The text of one question as an arm asks it, in every order of options and form that occurs."""

from collections.abc import Sequence

from producer.arms import ModelArm
from producer.prompting.option_orders import Order
from producer.prompting.pieces import Piece, piece_of
from producer.prompting.strategies import SEAM, Ask, question_text
from schemas.answer_format import answer_format
from schemas.codebook import CodedVariable
from schemas.written_answers import RealAnswer, written_answer

MOST_KEPT = 5000
"""Texts kept: more orders than that hardly come twice."""


class QuestionTexts:
    """Pieces of one question, made once for each order and form."""

    def __init__(self, arm: ModelArm, question: CodedVariable, forms: Sequence[int | None] | None) -> None:
        self._arm = arm
        self._question = question
        self._forms = forms
        self._shape = answer_format(arm.arm, question)
        self._texts: dict[tuple[str | None, Order | None], Piece] = {}
        self._around: dict[tuple[str | None, Order | None], Ask] = {}
        self._answers: dict[tuple[RealAnswer, Order | None], Piece] = {}

    def piece(self, position: int, order: Order | None) -> Piece:
        """The question as one respondent is asked it; `order` None is the question's own."""
        wording = self.wording(position)
        found = self._texts.get((wording, order))
        if found is None:
            strategy = self._arm.strategy
            text = question_text(self._question, strategy.instruction, order=order, form=self._shape.form, text=wording)
            found = piece_of(text, self._arm.counter.count)
            if len(self._texts) < MOST_KEPT:
                self._texts[wording, order] = found
        return found

    def ask(self, position: int, order: Order | None) -> Ask:
        """The question around the persona, as the arm's layout has it."""
        wording = self.wording(position)
        found = self._around.get((wording, order))
        if found is None:
            found = self._framed(self.piece(position, order))
            if len(self._around) < MOST_KEPT:
                self._around[wording, order] = found
        return found

    def _framed(self, whole: Piece) -> Ask:
        if self._arm.arm.layout != "question_first":
            return Ask((), (whole,))
        body, _, instruction = whole.text.rpartition("\n")
        count = self._arm.counter.count
        return Ask((piece_of(body + SEAM, count),), (piece_of(instruction, count),))

    def answer(self, answer: RealAnswer, order: Order | None) -> Piece:
        """A real answer as an example shows it."""
        found = self._answers.get((answer, order))
        if found is None:
            shown = self._question.shown if order is None else order
            text = written_answer(answer, self._shape, self._question, shown)
            found = piece_of(text, self._arm.counter.count)
            if len(self._answers) < MOST_KEPT:
                self._answers[answer, order] = found
        return found

    def wording(self, position: int) -> str | None:
        """The respondent's form of a split ballot; None: the question's own words."""
        if self._forms is None:
            return None
        form = self._forms[position]
        return None if form is None else self._question.forms.get(form)
