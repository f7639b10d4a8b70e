"""Human answers of one question, as the plan needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from sys import intern

from producer.prompting.persona_pieces import codes_of
from schemas.written_answers import RealAnswer
from survey.prepared import Answers


@dataclass(frozen=True)
class TrueAnswers:
    """Human answers of one question by respondent position; None unless answered, or as a whole where of no use.

    Attributes:
        codes: of one option.
        several: codes ticked; `numbers` and `texts` of numeric and open questions.
        forms: code of the form of a split ballot.
    """

    codes: Sequence[int | None]
    status: Sequence[str]
    several: Sequence[tuple[int, ...] | None] | None = None
    numbers: Sequence[float | None] | None = None
    texts: Sequence[str | None] | None = None
    forms: Sequence[int | None] | None = None

    @property
    def real(self) -> Sequence[RealAnswer | None]:
        """Answers in the question's own kind, as examples show them."""
        if self.several is not None:
            return self.several
        return self.codes if self.numbers is None else self.numbers

    @classmethod
    def of(cls, answers: Answers) -> "TrueAnswers":
        """From what preparing the survey gave."""
        numbers = None
        if answers.numbers is not None:
            numbers = [None if isnan(value) else float(value) for value in answers.numbers]
        status = [intern(str(word)) for word in answers.status]
        return cls(codes_of(answers.codes), status, answers.several, numbers, answers.texts, answers.forms)
