"""Requests that an online and a batch arm share: they are bought online, once. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from producer.arms import ModelArm
from producer.cell import Cell
from producer.prompting.prompts import QuestionPrompts
from producer.true_answers import TrueAnswers
from providers.service import service_identity
from schemas.identity import canonical_json
from schemas.study import Split
from survey.split import row_split


class Respondent(NamedTuple):
    """Who is planned for; `position` in the prepared survey, `by_row` the split of a study that splits so."""

    position: int
    id: str
    weight: float
    split: str
    by_row: Split | None = None

    def split_for(self, question_id: str) -> str:
        """The split of their answer to a question."""
        return self.split if self.by_row is None else row_split(self.by_row, self.id, question_id)


def online_requests(
    cells: Mapping[str, Sequence[Cell]], truth: Mapping[str, TrueAnswers], respondents: Sequence[Respondent]
) -> dict[bytes, str]:
    """Keys of requests that an online arm asks and a batch arm might ask, too -> model name of the online arm.

    Empty unless two arms differ in nothing but their transport (or whom and what they cover), which is rare: only then
    is every prompt of the online one made twice.
    """
    found: dict[bytes, str] = {}
    for question, row in cells.items():
        batch = {_alike(cell.asks[0]) for cell in row if cell.asks is not None and _is_batch(cell.asks[0])}
        for cell in row:
            if cell.asks is None or cell.memory or _is_batch(cell.asks[0]) or _alike(cell.asks[0]) not in batch:
                continue
            for who in respondents:
                if cell.covers(who.split_for(question), truth[question].status[who.position]):
                    found |= _keys(cell, cell.asks, who)
    return found


def _keys(cell: Cell, asks: tuple[ModelArm, QuestionPrompts], who: Respondent) -> dict[bytes, str]:
    arm, prompts = asks
    task_ids = (cell.tasks.task_id(canonical_json(who.id), repeat) for repeat in range(cell.n_repeats))
    orders = (cell.orders_of(task_id) for task_id in task_ids)
    return {
        prompts.request(who.position, who.id, repeat, shown).key: arm.model_name for repeat, shown in enumerate(orders)
    }


def _is_batch(arm: ModelArm) -> bool:
    return arm.transport != "online"


def _alike(arm: ModelArm) -> tuple[str, str, str, str]:
    """Arms that differ here share no request; others may."""
    return service_identity(arm.model), arm.model.model, arm.parameters_json, arm.strategy.name
