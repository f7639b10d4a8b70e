"""The rows of a plan, streamed: tasks in order respondent x question x arm, each new request with its first task."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from producer.arms import ModelArm
from producer.cell import Cell
from producer.planning.estimate import Completion, Load
from producer.planning.sharing import Respondent, online_requests
from producer.prompting.memory import Groups
from producer.prompting.option_orders import Order
from producer.prompting.prompts import QuestionPrompts, Request
from producer.true_answers import TrueAnswers
from schemas.errors import Problem
from schemas.identity import canonical_json

Progress = Callable[[int, int], None]
"""Told (respondents planned, respondents in all) as the plan grows."""

PROGRESS_EVERY = 50


class TaskRow(NamedTuple):
    """One row of tasks.parquet, in the order of `schemas.tables.TASKS`."""

    task_id: str
    respondent_id: str
    question_id: str
    arm: str
    repeat: int
    request_id: str | None
    option_order: Sequence[int]
    truth: int | None
    truth_status: str
    weight: float
    split: str
    imported_text: str | None
    truth_codes: Sequence[int] | None = None
    truth_number: float | None = None
    truth_text: str | None = None
    route_arm: str | None = None
    turn: int | None = None
    option_orders: Sequence[Sequence[int]] | None = None


class RequestRow(NamedTuple):
    """One row of plan.parquet without its shard, in the order of `schemas.tables.PLAN`; then how it is asked."""

    request_id: str
    model: str
    turns: str
    parameters: str
    answer_format: str
    prompt_tokens: int
    completion_tokens: int
    max_tokens: int
    transport: str


@dataclass
class Tally:
    """What the rows add up to.

    Attributes:
        by_lot: (arm, model name, transport) -> sums over distinct requests, each counted for the arm that asks first.
        relaxed: arm -> respondents with an example that does not share all `match` variables.
        oversized: (arm, question) -> tokens of the largest prompt that does not fit.
    """

    n_tasks: int = 0
    tasks_by_arm: Counter[str] = field(default_factory=Counter)
    by_lot: dict[tuple[str, str, str], Load] = field(default_factory=dict)
    relaxed: Counter[str] = field(default_factory=Counter)
    oversized: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def n_requests(self) -> int:
        """Distinct requests."""
        return sum(load.n_requests for load in self.by_lot.values())

    @property
    def loads(self) -> dict[str, Load]:
        """Sums by model name over what is online, or may be."""
        return self._by_model(lambda transport: transport != "batch")

    @property
    def batch_loads(self) -> dict[str, Load]:
        """Sums by model name over what goes through the Batch API."""
        return self._by_model(lambda transport: transport == "batch")

    def _by_model(self, wanted: Callable[[str], bool]) -> dict[str, Load]:
        found: dict[str, Load] = {}
        for (_, model, transport), load in self.by_lot.items():
            if wanted(transport):
                found[model] = found[model] + load if model in found else load
        return found


class RowSource:
    """Streams the rows of a plan once."""

    def __init__(
        self,
        cells: Mapping[str, Sequence[Cell]],
        truth: Mapping[str, TrueAnswers],
        respondents: Sequence[Respondent],
    ) -> None:
        self._online = online_requests(cells, truth, respondents)
        self._cells = cells
        self._truth = truth
        self._respondents = respondents
        self._groups = Groups(cells, truth)
        self._rooms: dict[str, float] = {}
        self._seen: set[bytes] = set()
        self.tally = Tally()

    def rows(self, progress: Progress | None = None) -> Iterator[tuple[TaskRow, RequestRow | None]]:
        """Every task, with its request where no earlier task has the same one. `tally` is whole at the end."""
        n = len(self._respondents)
        for done, respondent in enumerate(self._respondents):
            if progress is not None and done % PROGRESS_EVERY == 0:
                progress(done, n)
            yield from self._rows_of(respondent)
        if progress is not None:
            progress(n, n)

    def _rows_of(self, who: Respondent) -> Iterator[tuple[TaskRow, RequestRow | None]]:
        relaxed: set[str] = set()
        id_json = canonical_json(who.id)
        for question_id, cells in self._cells.items():
            truth = self._truth[question_id]
            status, split = truth.status[who.position], who.split_for(question_id)
            for cell in cells:
                if not cell.covers(split, status):
                    continue
                served = cell.serving(who.position)
                for repeat in range(served.n_repeats):
                    # a route asks word for word what its arm asks, options in the same order: both share the request
                    task_id = served.tasks.task_id(id_json, repeat)
                    orders = served.orders_of(task_id)
                    request_id, request, turn = self._request(served.rolled(who.position), who, orders, repeat, relaxed)
                    task = _task(served, who, task_id, request_id, truth, orders, turn)
                    if repeat or served is not cell:
                        task = _retold(task, cell, served, cell.tasks.task_id(id_json, repeat), repeat)
                    yield task, request
                    self.tally.tasks_by_arm[cell.arm] += 1
                    self.tally.n_tasks += 1
        self.tally.relaxed.update(relaxed)

    def _request(
        self, cell: Cell, who: Respondent, orders: Sequence[Order], repeat: int, relaxed: set[str]
    ) -> tuple[str | None, RequestRow | None, int | None]:
        """Id of a task's request, the request if it is new, and the turn that answers the task (None: the last)."""
        if cell.asks is None:
            return None, None, None
        arm, prompts = cell.asks
        if cell.memory:
            group = self._groups.request(cell, who.position, who.id, who.split, repeat)
            row = self._row(arm, cell.question.name, group.request, group.completion)
            return group.request.key.hex(), row, group.turns[cell.question.name]
        request = prompts.request(who.position, who.id, repeat, orders)
        if request.is_relaxed:
            relaxed.add(cell.arm)
        return request.key.hex(), self._row(arm, cell.question.name, request, arm.completion), None

    def _row(self, arm: ModelArm, question_id: str, request: Request, completion: Completion) -> RequestRow | None:
        """The request's row, None if it has one already."""
        if request.key in self._seen:
            return None
        self._seen.add(request.key)
        model_name, transport = arm.model_name, arm.transport
        if transport != "online" and request.key in self._online:
            model_name, transport = self._online[request.key], "online"
        self._count(arm, question_id, request, completion, (model_name, transport))
        return RequestRow(
            request.key.hex(),
            model_name,
            request.turns,
            arm.parameters_json,
            arm.strategy.answer_format,
            request.prompt_tokens,
            completion.expected,
            request.prompt_tokens + completion.limit,
            transport,
        )

    def _count(
        self, arm: ModelArm, question_id: str, request: Request, completion: Completion, lot: tuple[str, str]
    ) -> None:
        load = self.tally.by_lot.get((arm.name, *lot))
        if load is None:
            load = self.tally.by_lot[(arm.name, *lot)] = Load()
        load.add(request.prompt_tokens, completion)
        room = self._rooms.get(arm.name)
        if room is None:
            room = self._rooms[arm.name] = arm.prompt_room_tokens
        if request.largest_tokens > room:
            largest = self.tally.oversized.get((arm.name, question_id), 0)
            self.tally.oversized[arm.name, question_id] = max(largest, request.largest_tokens)


def _retold(task: TaskRow, cell: Cell, served: Cell, task_id: str, repeat: int) -> TaskRow:
    """The task as a repeat, or as a route's own, which tells whose answer it takes."""
    route_arm = None if served is cell else served.arm
    return task._replace(task_id=task_id, arm=cell.arm, repeat=repeat, route_arm=route_arm)


def _task(
    cell: Cell,
    who: Respondent,
    task_id: str,
    request_id: str | None,
    truth: TrueAnswers,
    orders: Sequence[Order],
    turn: int | None,
) -> TaskRow:
    at = who.position
    return TaskRow(
        task_id,
        who.id,
        cell.question.name,
        cell.arm,
        0,
        request_id,
        orders[0],
        truth.codes[at],
        truth.status[at],
        who.weight,
        who.split_for(cell.question.name),
        None if cell.imported is None else cell.imported.get(who.id),
        None if truth.several is None else truth.several[at],
        None if truth.numbers is None else truth.numbers[at],
        None if truth.texts is None else truth.texts[at],
        None,
        turn,
        orders if len(orders) > 1 else None,
    )


def oversized_problems(tally: Tally, arms: Mapping[str, ModelArm]) -> list[Problem]:
    """One problem per arm and question with a request that its service would never take."""
    return [
        Problem(
            f"question {question_id}: a prompt of {tokens} tokens with an answer of up to "
            f"{arms[arm].completion.limit_of_turn} does not fit the context window or one minute of the quota "
            f"({max(0, int(arms[arm].prompt_room_tokens))} prompt tokens at most).",
            where=f"arms.{arm}",
            hint="Show fewer examples, lower the token limit, or use a model or quota with more room.",
            code="oversized",
        )
        for (arm, question_id), tokens in tally.oversized.items()
    ]


def arms_of(cells: Mapping[str, Sequence[Cell]]) -> dict[str, ModelArm]:
    """The model arms in the cells, those that only routes ask included, by name."""
    everything = [one for row in cells.values() for cell in row for one in _parts(cell)]
    asked: list[tuple[ModelArm, QuestionPrompts]] = [cell.asks for cell in everything if cell.asks is not None]
    return {arm.name: arm for arm, _ in asked}


def _parts(cell: Cell) -> Sequence[Cell]:
    return [cell] if cell.route is None else cell.route[0]
