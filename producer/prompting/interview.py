"""A persona given as an interview: each field a question that the respondent has answered already, in earlier turns."""

from collections.abc import Mapping, Sequence

import pandas as pd

from producer.prompting.persona_pieces import codes_of
from producer.prompting.personas import reading
from producer.prompting.pieces import CountTokens, Message, piece_of
from schemas.codebook import CodedVariable


class Interview:
    """Earlier questions and answers by respondent position; a field without an answer is left out."""

    def __init__(
        self, fields: Mapping[str, CodedVariable], names: Sequence[str], respondents: pd.DataFrame, count: CountTokens
    ) -> None:
        """Take the persona's columns.

        Args:
            fields: of the codebook.
            names: the persona's fields in the order in which they are asked.
            respondents: one nullable Int32 column per field.
            count: token counter of the model.
        """
        columns = [codes_of(respondents[name]) for name in names]
        self._codes: list[tuple[int | None, ...]] = list(zip(*columns, strict=True))
        self._read = [reading(fields[name], {}) for name in names]
        self._asks = [Message("user", (piece_of(_question(fields[name]), count),)) for name in names]
        self._count = count
        self._known: dict[tuple[int, int], Message] = {}

    def messages(self, position: int) -> tuple[Message, ...]:
        """What was said before the question."""
        said: list[Message] = []
        for at, code in enumerate(self._codes[position]):
            if code is not None:
                said += [self._asks[at], self._answer(at, code)]
        return tuple(said)

    def _answer(self, at: int, code: int) -> Message:
        found = self._known.get((at, code))
        if found is None:
            text = " ".join(self._read[at](code).split())
            found = self._known[at, code] = Message("assistant", (piece_of(text, self._count),))
        return found


def _question(field: CodedVariable) -> str:
    text = " ".join(field.text.split())
    return f"Question: {text if text else field.name}"
