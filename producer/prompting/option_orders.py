"""In which orders the options of a task are shown. Pure; every draw is seeded from the task's id."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from schemas.codebook import CodedVariable
from schemas.identity import seed_from, unit_draw
from schemas.study import Arm

Order = tuple[int, ...]


class OptionOrders(NamedTuple):
    """How an arm orders the options of one question.

    Attributes:
        fixed: orders that every respondent gets, averaged if there are several; empty if `shuffle` decides.
        shuffle: `full` or `direction`: each respondent an order of their own; "" if not.
        base: the order that shuffling starts from.
        last: codes that stay at the end.
    """

    fixed: tuple[Order, ...]
    shuffle: str
    base: Order
    last: Order

    def of(self, task_id: str) -> tuple[Order, ...]:
        """Orders for one task: one, or those to be averaged."""
        if self.fixed:
            return self.fixed
        return (self.drawn(task_id),)

    def drawn(self, task_id: str) -> Order:
        """The order that a task's id draws."""
        free = [code for code in self.base if code not in self.last]
        if self.shuffle == "direction":
            if unit_draw("direction", task_id) < 0.5:
                free.reverse()
        else:
            Random(seed_from("options", task_id)).shuffle(free)  # noqa: S311 - an order, no secret
        return (*free, *self.last)


def option_orders(arm: Arm, question: CodedVariable) -> OptionOrders:
    """The orders of an arm for a question; an order to which nothing is said is the question's own."""
    last = tuple(code for code in question.shown if code in question.fixed_last)
    free = tuple(code for code in question.shown if code not in last)
    base: Order = tuple(question.shown)
    if arm.imported is not None or len(free) < 2:
        return OptionOrders((base,), "", base, last)
    if arm.reverse_options:
        free = free[::-1]
        base = (*free, *last)
    if arm.permutations is not None and question.kind == "single":
        wanted = len(free) if arm.permutations == "rotate" else arm.permutations
        return OptionOrders(tuple((*order, *last) for order in balanced(free, wanted)), "", base, last)
    if arm.shuffle_options:
        return OptionOrders((), "direction" if arm.shuffle_options == "direction" else "full", base, last)
    return OptionOrders((base,), "", base, last)


def balanced(codes: Sequence[int], wanted: int) -> list[Order]:
    """The first `wanted` of: all rotations, then all rotations of the reverse, as far as they differ.

    Each block of K orders shows every code once at every place, so what a model gives to a place is spread evenly
    over the codes. With fewer than K the places are spread as evenly as they can be.
    """
    k = len(codes)
    steps = _spread(k, wanted) if wanted < k else list(range(k))
    forwards = [tuple(codes[step:]) + tuple(codes[:step]) for step in steps]
    backwards = [tuple(reversed(order)) for order in forwards]
    return list(dict.fromkeys([*forwards, *backwards]))[:wanted]


def _spread(k: int, wanted: int) -> list[int]:
    return [n * k // wanted for n in range(wanted)]
