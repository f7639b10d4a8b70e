"""Going through a plan: every trainable task becomes a line behind its own prompt."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from finetuning.preparing.conversations import is_one_turn, up_to
from finetuning.preparing.plan_tasks import KEPT, PlanTasks
from finetuning.preparing.shuffle import Shuffle
from finetuning.preparing.training_lines import training_line
from schemas.answer_format import Asked, answer_format
from schemas.codebook import CodedVariable
from schemas.study import Arm
from schemas.tuning import TrainingForm
from schemas.written_answers import written_answer

OWN_WORDS = "(own words)"
"""Stands in a manifest's counts for open answers, which are nobody else's to read."""
_TRUTH_OF: dict[Asked, str] = {
    "single": "truth", "several": "truth_codes", "numeric": "truth_number", "open": "truth_text",
}  # fmt: skip


@dataclass
class Gathered:
    """What went into the files.

    Attributes:
        ids: split -> respondents.
        counts: question -> answer as written -> training lines.
        n_without: tasks without an answer of the kind that is asked for.
        n_cut: tasks with an answer, before which one of the same conversation is missing.
    """

    ids: dict[str, set[str]] = field(default_factory=lambda: {"train": set(), "validation": set()})
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    n_without: int = 0
    n_cut: int = 0


class Gathering:
    """Writes the lines of one arm into the shuffles of their splits."""

    def __init__(
        self, arm: Arm, questions: Mapping[str, CodedVariable], shuffles: Mapping[str, Shuffle], form: TrainingForm
    ) -> None:
        self._questions = questions
        self._shapes = {name: answer_format(arm, question) for name, question in questions.items()}
        self._shuffles, self._form = shuffles, form
        self._columns: dict[str, list[Any]] = {}
        self._orders: pa.ChunkedArray
        self._found = Gathered()

    def take(
        self, tasks: PlanTasks, requests: Iterable[pa.Table], *, questions: tuple[str, ...] | None, weights: bool
    ) -> Gathered:
        """Go through the requests of the plan.

        Args:
            tasks: of the arm.
            requests: pieces with request_id and turns.
            questions: that lines are written for; None: all.
            weights: as in `training_line`.

        Raises:
            UserInputError: a request has turns that no person answers.
        """
        rows = tasks.rows
        self._columns = {name: rows[name].to_pylist() for name in KEPT if rows[name].null_count < len(rows)}
        self._orders = rows["option_order"]
        for piece in requests:
            turns = piece["turns"].to_pylist()
            for at, found in groupby(tasks.of(piece["request_id"]), key=itemgetter(0)):
                self._request(turns[at], [row for _, row in found], questions, weights=weights)
        return self._found

    def _request(self, turns: str, rows: list[int], questions: tuple[str, ...] | None, *, weights: bool) -> None:
        answers = {row: self._answer(row) for row in rows}
        is_single = is_one_turn(turns)
        for row, answer in answers.items():
            if questions is not None and self._columns["question_id"][row] not in questions:
                continue
            prompt = turns if is_single else self._conversation(turns, row, answers)
            if answer is None:
                self._found.n_without += 1
            elif prompt is None:
                self._found.n_cut += 1
            else:
                self._line(row, training_line(prompt, answer, self._form, weights=weights), answer)

    def _conversation(self, turns: str, row: int, answers: Mapping[int, str | None]) -> str | None:
        who, turn = self._columns["respondent_id"], self._columns.get("turn")
        if turn is None:
            return up_to(turns, None, {})
        same = (other for other in answers if who[other] == who[row] and turn[other] is not None)
        said = {turn[other]: text for other in same if (text := answers[other]) is not None}
        return up_to(turns, turn[row], said)

    def _answer(self, row: int) -> str | None:
        question = self._columns["question_id"][row]
        shape = self._shapes[question]
        truth = self._columns.get(_TRUTH_OF[shape.asked])
        if truth is None or truth[row] is None:
            return None
        real = tuple(truth[row]) if isinstance(truth[row], list) else truth[row]
        order = self._orders[row].as_py() if shape.form == "letter" else ()
        return written_answer(real, shape, self._questions[question], order)

    def _line(self, row: int, line: bytes, answer: str) -> None:
        question, split, who = (self._columns[name][row] for name in ("question_id", "split", "respondent_id"))
        self._shuffles[split].add(f"{who}\x1f{question}", line)
        self._found.ids[split].add(who)
        if split == "train":
            told = OWN_WORDS if self._shapes[question].asked == "open" else answer
            self._found.counts[question][told] += 1
