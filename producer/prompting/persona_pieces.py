"""Personas of a run's respondents as pieces: rendered once each, counted once per token counter."""

from collections.abc import Callable

import pandas as pd

from producer.prompting.personas import PersonaTemplate
from producer.prompting.pieces import CountTokens, Piece, piece_of
from producer.prompting.strategies import persona_text


class PersonaTexts:
    """Rendered personas by respondent position."""

    def __init__(self, template: PersonaTemplate, respondents: pd.DataFrame) -> None:
        """Take the persona's columns.

        Args:
            template: compiled for the study's fields.
            respondents: one nullable Int32 column per field of the template; null for any kind of missing.
        """
        self._template = template
        columns = [codes_of(respondents[name]) for name in template.fields]
        self._codes: list[tuple[int | None, ...]] = list(zip(*columns, strict=True))

    def text(self, position: int) -> str:
        """The persona as it stands before a question."""
        return persona_text(self.bare(position))

    def bare(self, position: int) -> str:
        """The persona alone."""
        return self._template.render(self._codes[position])


class PersonaPieces:
    """Pieces of the personas for one token counter.

    The last one is kept, since a respondent's tasks follow one another; all of them only where examples need them.
    """

    def __init__(self, write: Callable[[int], str], count: CountTokens, *, keep: bool) -> None:
        """Make pieces of what `write` gives for a position; `keep` holds on to all of them."""
        self._write = write
        self._count = count
        self._keep = keep
        self._known: dict[int, Piece] = {}

    def piece(self, position: int) -> Piece:
        """The persona of one respondent."""
        found = self._known.get(position)
        if found is None:
            found = piece_of(self._write(position), self._count)
            if not self._keep:
                self._known.clear()
            self._known[position] = found
        return found


def codes_of(values: pd.Series | pd.arrays.IntegerArray) -> list[int | None]:
    """Codes of a pandas column or array as Python numbers, None for missing."""
    codes: list[int | None] = pd.array(values, dtype="Int32").to_numpy(dtype=object, na_value=None).tolist()
    return codes
