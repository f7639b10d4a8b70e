"""Prompts of `strategy: template`: the user's file for one question, filled for each respondent."""

from collections.abc import Sequence
from typing import Any

from producer.arms import ModelArm
from producer.prompting.conversation import Conversation, Turn
from producer.prompting.option_orders import Order
from producer.prompting.persona_pieces import PersonaPieces
from producer.prompting.prompt_file import PromptFile, Rendered
from producer.prompting.prompts import QuestionPrompts
from producer.prompting.question_texts import QuestionTexts
from producer.prompting.strategies import option_label, worded
from schemas.answer_format import LETTERS
from schemas.codebook import CodedVariable

MOST_KEPT = 5000
"""Rendered prompts kept: more orders than that hardly come twice."""


class OwnPrompts(QuestionPrompts):
    """Writes the prompts of one arm for one question from a file."""

    def __init__(
        self,
        arm: ModelArm,
        question: CodedVariable,
        personas: PersonaPieces,
        prompt: PromptFile,
        forms: Sequence[int | None] | None = None,
    ) -> None:
        """Write for one arm and question.

        Args:
            arm: as it asks this question.
            question: as in the codebook.
            personas: by respondent position, bare.
            prompt: the user's file.
            forms: code of each respondent's form of a split ballot.
        """
        super().__init__(arm, question, personas, forms=forms)
        self._question = question
        self._prompt = prompt
        self._texts = QuestionTexts(arm, question, forms)
        self._rendered: dict[tuple[str | None, Order | None, bool], Rendered] = {}

    def _said(self, position: int, respondent_id: str, orders: Sequence[Order]) -> tuple[Conversation, bool]:
        del respondent_id
        persona = self._personas.piece(position)
        talks = [
            self._of(position, order, has_persona=bool(persona.text)).conversation(persona)
            for order in (orders if orders else (None,))
        ]
        first, *others = talks
        fresh = tuple(Turn(other.first, is_fresh=True) for other in others)
        return Conversation(first.first, (*first.later, *fresh)), False

    def _of(self, position: int, order: Order | None, *, has_persona: bool) -> Rendered:
        wording = self._texts.wording(position)
        key = (wording, order, has_persona)
        found = self._rendered.get(key)
        if found is None:
            values = self._values(wording, self._question.shown if order is None else order)
            found = self._prompt.render(values, self._arm.counter.count, has_persona=has_persona)
            if len(self._rendered) < MOST_KEPT:
                self._rendered[key] = found
        return found

    def _values(self, wording: str | None, order: Sequence[int]) -> dict[str, Any]:
        options = [
            {
                "code": str(code),
                "label": option_label(self._question, code),
                "letter": LETTERS[place] if place < len(LETTERS) else "",
            }
            for place, code in enumerate(order)
        ]
        return {
            "question": worded(self._question, wording),
            "options": options,
            "instruction": self._arm.strategy.instruction,
        }
