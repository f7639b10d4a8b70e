"""Readings of requests that serve several tasks, or several orders of one."""

import pytest

from schemas.answer_format import NUMBER
from tests.support.plans import make_question
from workers.reading.readings import Landed, Reader, Reading, averaged

QUESTION = make_question("Q")
ORDERS = [(1, 2, 3), (2, 3, 1), (3, 1, 2)]


def reader():
    return Reader({"Q": QUESTION}, "pending", 2)


def landed(outcome, turns):
    return Landed(outcome, turns, "code", "message", None)


@pytest.mark.parametrize(
    ("outcome", "turns", "turn", "status"),
    [
        pytest.param("ok", ["1", "2"], 0, "answered", id="earlier turn"),
        pytest.param("failed", ["1"], 0, "answered", id="answered before a later call failed"),
        pytest.param("failed", ["1"], 1, "failed", id="the call that failed"),
        pytest.param("truncated", ["1", "2"], 0, "answered", id="before the cut one"),
        pytest.param("truncated", ["1", "2"], 1, "truncated", id="the cut one"),
        pytest.param("failed", ["thoughts"], None, "failed", id="stages before the question"),
        pytest.param(None, None, 1, "pending", id="nothing has landed"),
    ],
)
def test_task_of_one_turn_is_read_from_that_turn(outcome, turns, turn, status):
    assert reader().landed("Q", NUMBER, landed(outcome, turns), (1, 2, 3), turn).status == status


def test_orders_are_averaged_with_the_share_that_was_read():
    found = reader().samples("Q", NUMBER, landed("ok", ["2", "I would rather not", "1"]), ORDERS)

    whole = averaged(found, QUESTION)

    assert [one.status for one in found] == ["answered", "unparsed", "answered"]
    assert whole.probabilities == {1: 0.5, 2: 0.5, 3: 0.0}
    assert whole.covered_mass == pytest.approx(2 / 3)
    assert whole.answer == 1, "a tie goes to the first code of the codebook"


def test_task_without_any_answer_keeps_its_first_state_and_an_open_one_stays_open():
    nothing = reader().samples("Q", NUMBER, landed("ok", ["?", "?", "?"]), ORDERS)

    assert averaged(nothing, QUESTION).status == "unparsed"
    assert averaged([Reading("answered", 1), Reading("pending")], QUESTION) == Reading("pending")
