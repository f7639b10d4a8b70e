"""A cell: one arm for one question, with what is needed to make its tasks."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from producer.arms import ModelArm
from producer.identity_text import TaskIdentity
from producer.prompting.option_orders import OptionOrders, Order
from producer.prompting.prompts import QuestionPrompts
from schemas.codebook import CodedVariable
from schemas.study import Arm, Study

PersonaKey = tuple[str | None, int | None]
"""Template and language of a persona; None: the study's own."""


@dataclass(frozen=True)
class Cell:
    """One arm for one question.

    Attributes:
        split: only respondents of this split; None for all.
        includes_not_asked: a task also for respondents who were not asked.
        asks: the model arm and its prompts; None for an import.
        imported: respondent id -> answer as found; None for a model arm.
        orders: in which the options are shown.
        n_samples: samples in each of these orders that become one distribution.
        n_repeats: tasks for each respondent.
        memory: questions that the arm asks one after the other in one conversation, this one among them; () if alone.
        route: of a route: the cells of its steps, and which of them serves each respondent.
        rollout: the same arm with another version of its model, and the positions of those it is asked for.
    """

    arm: str
    question: CodedVariable
    split: str | None
    includes_not_asked: bool
    tasks: TaskIdentity
    asks: tuple[ModelArm, QuestionPrompts] | None
    imported: Mapping[str, str] | None
    orders: OptionOrders
    n_samples: int = 1
    n_repeats: int = 1
    memory: tuple[str, ...] = ()
    route: tuple[Sequence["Cell"], Sequence[int]] | None = None
    rollout: tuple["Cell", Set[int]] | None = None

    def rolled(self, position: int) -> "Cell":
        """The cell whose model one respondent is asked: of a rollout for its share, else this one."""
        if self.rollout is None or position not in self.rollout[1]:
            return self
        return self.rollout[0]

    def serving(self, position: int) -> "Cell":
        """The cell that answers for one respondent: of a route that of an arm, else this one."""
        if self.route is None:
            return self
        steps, taken = self.route
        return steps[taken[position]]

    def orders_of(self, task_id: str) -> tuple[Order, ...]:
        """The order of the options in each turn of a task's request."""
        return self.orders.of(task_id) * self.n_samples

    def covers(self, split: str, truth_status: str) -> bool:
        """Whether it has a task for a respondent of this split and truth status."""
        if self.split is not None and self.split != split:
            return False
        return truth_status != "not_asked" or self.includes_not_asked


def remembered(study: Study, arm: Arm, question_id: str) -> tuple[str, ...]:
    """The questions of a question's group that an arm with memory asks, in order; () if it stands alone."""
    if not arm.memory:
        return ()
    for group in study.groups.values():
        members = tuple(q for q in group if arm.questions is None or q in arm.questions)
        if question_id in members and len(members) > 1:
            return members
    return ()
