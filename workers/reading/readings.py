"""What each task's replies say, read and brought together: columns of predictions.parquet. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.answer_format import LETTERS, AnswerFormat
from schemas.codebook import CodedVariable
from workers.reading.answers import REASONS, Choice, Number, Several, Unparsed, Words, offered_by, read_answer
from workers.reading.distributions import Distribution, from_logprobs, from_stated, logprobs_of_turn

OPEN = ("pending", "cancelled")
FOLLOWS_TOKENS = 3
"""Version of the reader from which on an option may be several tokens."""


class Reading(NamedTuple):
    """One task, or one of the replies that are averaged into it; names are those of the columns."""

    status: str
    answer: int | None = None
    answer_label: str | None = None
    answer_text: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    probabilities: Mapping[int, float] | None = None
    covered_mass: float | None = None
    answer_codes: Sequence[int] | None = None
    answer_number: float | None = None


class Landed(NamedTuple):
    """What has landed for one request, columns of its part; everything None if nothing has."""

    outcome: str | None
    turns: Sequence[str] | None
    error_code: str | None
    error_message: str | None
    logprobs: str | None


class Reader:
    """Reads replies; a reply that came before is not read again."""

    def __init__(self, questions: Mapping[str, CodedVariable], open_status: str, version: int) -> None:
        """Read for one run.

        Args:
            questions: of the codebook.
            open_status: of tasks without an outcome: pending or cancelled.
            version: of the reader.
        """
        self._questions = questions
        self._open_status = open_status
        self._version = version
        self._known: dict[tuple[str, AnswerFormat, str, tuple[int, ...]], Reading] = {}

    def landed(
        self, question_id: str, shape: AnswerFormat, landed: Landed, order: Sequence[int], turn: int | None = None
    ) -> Reading:
        """The reading of one request for a task that its given turn answers; None: the last."""
        if landed.outcome is None:
            return Reading(self._open_status)
        turns = landed.turns if landed.turns is not None else ()
        at = len(turns) - 1 if turn is None else turn
        text = turns[at] if 0 <= at < len(turns) else None
        if shape.told == "logprobs" and (found := self._probable(question_id, shape, landed, at, order)) is not None:
            return found
        if landed.outcome == "ok" or at < len(turns) - 1 or (turn is not None and _is_whole(landed, at)):
            return self.text(question_id, shape, "" if text is None else text, order)
        return Reading(landed.outcome, None, None, text, landed.error_code, landed.error_message)

    def samples(
        self, question_id: str, shape: AnswerFormat, landed: Landed, orders: Sequence[Sequence[int]]
    ) -> list[Reading]:
        """The reading of each turn of a request whose turns ask on their own, each in its order of the options.

        A turn without a text counts as the request's outcome, or as unparsed where other turns were answered.
        """
        if landed.outcome is None:
            return [Reading(self._open_status)] * len(orders)
        turns = landed.turns if landed.turns is not None else ()
        found = []
        for at, order in enumerate(orders):
            text = turns[at] if at < len(turns) else ""
            probable = None
            if shape.told == "logprobs":
                probable = self._probable(question_id, shape, landed, at, order)
            if probable is not None:
                found.append(probable)
            elif text or landed.outcome == "ok":
                found.append(self.text(question_id, shape, text, order))
            else:
                found.append(Reading(landed.outcome, None, None, None, landed.error_code, landed.error_message))
        return found

    def imported(self, question_id: str, shape: AnswerFormat, text: str | None) -> Reading:
        """The reading of an answer from an import file."""
        if text is None:
            return Reading("failed", error_code="not_in_import", error_message="The imported file has no answer here.")
        return self.text(question_id, shape, text, ())

    def text(self, question_id: str, shape: AnswerFormat, text: str, order: Sequence[int]) -> Reading:
        """The reading of a reply."""
        shown = tuple(order) if shape.form == "letter" else ()
        key = (question_id, shape, text, shown)
        if key not in self._known:
            self._known[key] = self._read(self._questions[question_id], shape, text, shown)
        return self._known[key]

    def _probable(
        self, question_id: str, shape: AnswerFormat, landed: Landed, turn: int, order: Sequence[int]
    ) -> Reading | None:
        """A turn by its log-probabilities; None if it has none to read.

        An answer that was cut after its first token has them all the same.
        """
        question = self._questions[question_id]
        told = logprobs_of_turn(landed.logprobs, turn)
        if landed.outcome not in ("ok", "truncated") or told is None:
            return None
        turns = landed.turns if landed.turns is not None else ()
        text = turns[turn] if turn < len(turns) else None
        found = from_logprobs(told, spelled(question, shape.form, order), one_token=self._version < FOLLOWS_TOKENS)
        return _distributed(found, question, text, "no_option_mass")

    def _read(self, question: CodedVariable, shape: AnswerFormat, text: str, shown: tuple[int, ...]) -> Reading:
        if shape.told != "answer":
            return _told(question, shape, text, shown)
        offered = offered_by(question, shown if shown else None)
        match read_answer(text, shape, offered, version=self._version):
            case Choice(code):
                return Reading("answered", code, question.labels[code], text)
            case Several(codes):
                return Reading("answered", answer_text=text, answer_codes=codes)
            case Number(value):
                return Reading("answered", answer_text=text, answer_number=value)
            case Words(words, code):
                return Reading("answered", code, None if code is None else question.labels[code], words)
            case Unparsed(reason):
                return Reading("unparsed", None, None, text, reason, REASONS[reason])


def _is_whole(landed: Landed, turn: int) -> bool:
    """The turn was answered before a later one failed: a failed call leaves no text of its own."""
    return landed.outcome == "failed" and landed.turns is not None and 0 <= turn < len(landed.turns)


def spelled(question: CodedVariable, form: str, shown: Sequence[int]) -> dict[str, int]:
    """How options are written in an answer -> code, in codebook order."""
    if form != "letter":
        return {str(code): code for code in question.codes}
    places = list(shown) if shown else question.shown
    return {LETTERS[places.index(code)]: code for code in question.codes}


def _told(question: CodedVariable, shape: AnswerFormat, text: str, shown: Sequence[int]) -> Reading:
    """A distribution that the words themselves hold; log-probabilities never do."""
    if shape.told == "logprobs":
        return _distributed(None, question, text, "no_option_mass")
    found = from_stated(text, spelled(question, shape.form, shown), question.labels)
    return _distributed(found, question, text, "no_distribution")


def _distributed(found: Distribution | None, question: CodedVariable, text: str | None, reason: str) -> Reading:
    if found is None:
        return Reading("unparsed", None, None, text, reason, REASONS[reason], covered_mass=0.0)
    return Reading(
        "answered",
        found.best,
        question.labels[found.best],
        text,
        probabilities=found.shares,
        covered_mass=found.covered_mass,
    )


def averaged(readings: Sequence[Reading], question: CodedVariable) -> Reading:
    """Replies to several orders of the options as one distribution.

    Every order counts alike; orders whose reply is no answer count towards the mass that is not covered. The task is
    answered if any order is, open as long as one is, else what the first order is.
    """
    still_open = [one for one in readings if one.status in OPEN]
    if still_open:
        return Reading(still_open[0].status)
    answered = [one for one in readings if one.status == "answered"]
    if not answered:
        return readings[0]
    mass = dict.fromkeys(question.codes, 0.0)
    covered = 0.0
    for one in answered:
        shares = one.probabilities if one.probabilities is not None else {one.answer: 1.0}
        for code, share in shares.items():
            if code is not None:
                mass[code] += share / len(answered)
        covered += 1.0 if one.covered_mass is None else one.covered_mass
    best = max(question.codes, key=mass.__getitem__)
    return Reading(
        "answered",
        best,
        question.labels[best],
        answered[0].answer_text,
        probabilities=mass,
        covered_mass=covered / len(readings),
    )
