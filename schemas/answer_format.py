"""How an answer is written and read: what is asked for, in which form, and whether reasons come first.

The plan writes prompts from it and the workers read answers by it, so both live by one definition.
"""

from typing import Literal, NamedTuple

from schemas.codebook import CodedVariable
from schemas.study import Arm

Asked = Literal["single", "several", "numeric", "open"]
Form = Literal["number", "label", "letter", "json"]
Told = Literal["answer", "logprobs", "stated"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Of options in the order shown; a question with more options has no letters."""
MOST_ENUM_VALUES = 500
"""Source: structured outputs guide of Azure OpenAI and OpenAI, limits of strict schemas, read 2026-11-22."""
ANSWER_KEY, REASON_KEY = "answer", "analysis"
"""Keys of a structured answer. Schemas travel as sorted JSON and models write in their order: reasons come first."""


class AnswerFormat(NamedTuple):
    """What an answer should look like.

    Attributes:
        asked: one option, several, a number, or own words.
        form: what stands for an option; numbers and own words have the forms number and json only.
        told: what is read: the answer itself, the log-probabilities of its first token, or stated percentages.
        is_reasoned: reasons come first, and the answer on a last line `ANSWER: ...` or under the key `answer`.
    """

    asked: Asked
    form: Form
    is_reasoned: bool
    told: Told = "answer"

    @property
    def name(self) -> str:
        """As in plan.parquet: `number` and `answer_line` for one option by its code, else the parts with `_`."""
        if self.told != "answer":
            return self.told if self.form == "number" else f"{self.told}_{self.form}"
        if self.asked == "single" and self.form == "number":
            return "answer_line" if self.is_reasoned else "number"
        line = ("answer_line",) if self.is_reasoned else ()
        return "_".join([*line, self.asked, self.form])


NUMBER = AnswerFormat("single", "number", is_reasoned=False)
"""The reply is the code of one option and nothing else."""


def answer_format(arm: Arm, question: CodedVariable) -> AnswerFormat:
    """How an arm answers a question; an import is read like plain codes, labels or numbers."""
    asked = asked_of(question)
    if arm.imported is not None:
        return AnswerFormat(asked, "number", is_reasoned=False)
    form: Form = arm.format
    if asked in ("numeric", "open") and form != "json":
        form = "number"
    return AnswerFormat(asked, form, is_reasoned=is_reasoned(arm), told=_told(arm))


def is_reasoned(arm: Arm) -> bool:
    """Reasons come before the answer."""
    return arm.strategy == "chain_of_thought" or arm.last_line


def _told(arm: Arm) -> Told:
    if arm.strategy == "logprobs":
        return "logprobs"
    return "stated" if arm.strategy == "stated" else "answer"


def asked_of(question: CodedVariable) -> Asked:
    """What is asked for."""
    if question.kind in ("several", "numeric", "open"):
        return question.kind
    return "single"
