"""Question groups asked with memory: one conversation, a turn a question, so that the model sees its own answers.

All members that a respondent is asked share one request; each task knows the turn that answers it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from producer.arms import ModelArm
from producer.cell import Cell
from producer.planning.estimate import Completion
from producer.prompting.conversation import Conversation, Turn
from producer.prompting.pieces import Message
from producer.prompting.prompts import Request
from producer.true_answers import TrueAnswers
from schemas.identity import canonical_json


class GroupRequest(NamedTuple):
    """The request of a group for one respondent.

    Attributes:
        completion: tokens over all turns.
        turns: question -> number of its turn.
    """

    request: Request
    completion: Completion
    turns: Mapping[str, int]


class Groups:
    """Writes the requests of groups; what the members of one arm need is looked up by name."""

    def __init__(self, cells: Mapping[str, Sequence[Cell]], truth: Mapping[str, TrueAnswers]) -> None:
        every = [cell for row in cells.values() for cell in row]
        steps = [step for cell in every if cell.route is not None for step in cell.route[0]]
        self._cells = {(cell.arm, cell.question.name): cell for cell in [*every, *steps] if cell.memory}
        self._truth = truth

    def request(self, cell: Cell, position: int, respondent_id: str, split: str, repeat: int) -> GroupRequest:
        """The request that serves a cell's task, and the tasks of the other members."""
        asked = self.asked(cell, position, split)
        conversation = group_conversation(asked, position, respondent_id, repeat)
        arm = arm_of(asked[0])
        completion = _summed([arm_of(one).completion for one in asked])
        turns = conversation.canonical()
        tokens = conversation.prompt_tokens(arm.counter.overhead, each_answer=completion.expected // len(asked))
        key = arm.identity.digest(turns, respondent_id=respondent_id, repeat=repeat)
        request = Request(key, turns, tokens.total, tokens.largest, is_relaxed=False)
        return GroupRequest(request, completion, {one.question.name: turn for turn, one in enumerate(asked)})

    def asked(self, cell: Cell, position: int, split: str) -> list[Cell]:
        """The members of a cell's group that a respondent is asked, in the group's order."""
        members = [self._cells[cell.arm, name] for name in cell.memory if (cell.arm, name) in self._cells]
        status = {one.question.name: self._truth[one.question.name].status[position] for one in members}
        return [one for one in members if one is cell or one.covers(split, status[one.question.name])]


def group_conversation(members: Sequence[Cell], position: int, respondent_id: str, repeat: int) -> Conversation:
    """The first member's conversation, and each further question as a turn that goes on."""
    id_json = canonical_json(respondent_id)
    first, later = None, []
    for cell in members:
        assert cell.asks is not None, "only model arms have a memory"
        order = cell.orders_of(cell.tasks.task_id(id_json, repeat))[0]
        prompts = cell.asks[1]
        if first is None:
            first = prompts.conversation(position, respondent_id, (order,))[0].first
        else:
            later.append(Turn((Message("user", prompts.question(position, order)),)))
    assert first is not None, "a group has members"
    return Conversation(first, tuple(later))


def arm_of(cell: Cell) -> ModelArm:
    """The arm as it asks a member."""
    assert cell.asks is not None, "only model arms have a memory"
    return cell.asks[0]


def _summed(each: Sequence[Completion]) -> Completion:
    return Completion(
        sum(one.low for one in each),
        sum(one.expected for one in each),
        sum(one.high for one in each),
        sum(one.limit for one in each),
        len(each),
    )
