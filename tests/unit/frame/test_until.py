"""until() waits for exactly as long as needed and says what did not come."""

import pytest

from tests.support.until import until, until_async


def test_until_returns_the_first_true_value() -> None:
    values = iter([0, "", "there"])

    assert until(lambda: next(values), interval_s=0.001) == "there"


def test_until_names_what_did_not_come() -> None:
    with pytest.raises(AssertionError, match=r"the worker was not true within 0\.01 s"):
        until(lambda: False, deadline_s=0.01, interval_s=0.001, what="the worker")


async def test_until_async_returns_the_first_true_value() -> None:
    values = iter([None, 3])

    assert await until_async(lambda: next(values), interval_s=0.001) == 3
