"""Reading an answer: exactly what was asked for, else a reason. Pure, versioned, never a guess.

Version 1 knows one option by its code or label. Version 2 adds the other formats and kinds, and digits of other
scripts. Version 3 follows options of several tokens through log-probabilities. An earlier version stays as it was, so
that `reread --reader 1` gives what it gave.
"""

from schemas.answer_format import NUMBER, AnswerFormat
from schemas.errors import UserInputError
from schemas.word_codes import coded_text
from workers.reading import reader_v1
from workers.reading.answer_json import read_json
from workers.reading.answer_numbers import read_number
from workers.reading.answer_options import read_option, read_options
from workers.reading.answer_texts import answer_line
from workers.reading.answer_values import REASONS, Choice, Number, Offered, Read, Several, Unparsed, Words, offered_by

__all__ = [
    "READER_VERSION",
    "REASONS",
    "VERSIONS",
    "Choice",
    "Number",
    "Offered",
    "Several",
    "Unparsed",
    "Words",
    "checked_version",
    "offered_by",
    "read_answer",
]

READER_VERSION = 3
"""Raised whenever the same text could be read differently."""

VERSIONS = (1, 2, 3)

LONGEST_READ_CHARS = 100_000


def read_answer(text: str, shape: AnswerFormat, offered: Offered, *, version: int = READER_VERSION) -> Read:
    """Read a reply.

    Args:
        text: what the model wrote in the turn that answers.
        shape: what was asked for, and in which form.
        offered: what the question offers, as shown.
        version: of the reader; formats that it does not know are read by the first version that does.
    """
    if version == 1 and (shape.asked, shape.form) == (NUMBER.asked, NUMBER.form):
        return reader_v1.read_option(text, offered.labels, on_last_line=shape.is_reasoned)
    if not text.strip():
        return Unparsed("no_text")
    if len(text) > LONGEST_READ_CHARS:
        return Unparsed("too_long")
    if shape.form == "json":
        return _coded(read_json(text, shape.asked, offered), offered)
    value = answer_line(text) if shape.is_reasoned else text
    if value is None:
        return Unparsed("no_answer_line")
    return _coded(_read_value(value, shape, offered), offered)


def checked_version(version: int) -> int:
    """The version itself.

    Raises:
        UserInputError: there is no such version.
    """
    if version not in VERSIONS:
        known = ", ".join(map(str, VERSIONS))
        raise UserInputError(f"there is no reader {version}.", where="--reader", hint=f"There are: {known}.")
    return version


def _read_value(value: str, shape: AnswerFormat, offered: Offered) -> Read:
    if shape.asked == "several":
        return read_options(value, shape.form, offered)
    if shape.asked == "numeric":
        return read_number(value, offered)
    if shape.asked == "open":
        return Words(value.strip(), None)
    return read_option(value, shape.form, offered)


def _coded(read: Read, offered: Offered) -> Read:
    return Words(read.text, coded_text(read.text, offered.coding)) if isinstance(read, Words) else read
