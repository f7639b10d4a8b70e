"""Events of a training in the order in which they happened, whichever way a service lists them."""

import pytest

from providers.tuning_objects import RemoteEvent, in_order


def event(at: int, what: str, step: int | None = None) -> RemoteEvent:
    return RemoteEvent(what, at, "info", what, "metrics" if step else "message", {"step": step} if step else {})


LONG = [event(1, "created"), event(2, "started"), event(5, "step 9", 9), event(5, "step 10", 10), event(5, "done")]
SHORT = [event(5, "started"), event(5, "step 9", 9), event(5, "step 10", 10), event(5, "done")]


@pytest.mark.parametrize("happened", [LONG, SHORT, LONG[:1], []])
def test_events_of_one_second_keep_their_order_whichever_end_is_listed_first(happened: list[RemoteEvent]) -> None:
    assert in_order(happened) == happened
    assert in_order(happened[::-1]) == happened
