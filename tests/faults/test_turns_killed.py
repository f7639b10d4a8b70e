"""kill -9 of the worker between the turns of three-stage requests: only calls that were open are bought again."""

import math
from collections import Counter
from typing import Any

import pytest

from schemas import run_paths
from tests.support.fleet import Fleet, running_fleet, study_of
from workers.shards.journal import read_journals

pytestmark = pytest.mark.e2e
N_RESPONDENTS = 12
N_REQUESTS = 2 * N_RESPONDENTS
N_TURNS = 3


def killed_between_turns(fleet: Fleet) -> tuple[set[str], set[str]]:
    """Kill the worker while requests stand between turns; calls answered in the journal, and calls left open there."""
    fleet.open(study_of(fleet, n_respondents=N_RESPONDENTS, shard_size=N_REQUESTS, arms=["cot3"]))
    fleet.until_bought(20)
    fleet.kill(fleet.workers[0])
    state = read_journals(fleet.store, "run", run_paths.shard_unit(0))
    answered = set(state.answers)
    begun = Counter(call.split(".")[0] for call in answered)
    assert any(n < N_TURNS for n in begun.values()), "no request stood between its turns"
    fleet.start_worker()
    fleet.until_finished()
    return answered, set(state.attempts) - answered


def bought(fleet: Fleet) -> Counter[str]:
    return Counter(fleet.emulator.purchases()["by_id"])


def assert_is_sum_of_its_turns(row: dict[str, Any], sold: list[dict[str, Any]]) -> None:
    mine = [one for one in sold if one["id"].startswith(row["request_id"])]
    assert len(mine) == row["attempts"] == len(row["turns"]) == N_TURNS
    assert row["prompt_tokens"] == sum(one["prompt_tokens"] for one in mine)
    assert row["completion_tokens"] == sum(one["completion_tokens"] for one in mine)
    assert math.isclose(row["cost_usd"], sum(float(one["cost_usd"]) for one in mine), abs_tol=1e-12)


def test_journalled_turns_are_not_bought_again_when_the_worker_is_killed_between_turns():
    with running_fleet(n_workers=1) as fleet:
        answered, left_open = killed_between_turns(fleet)

        purchases = bought(fleet)
        assert len(purchases) == N_REQUESTS * N_TURNS
        assert {purchases[call] for call in answered} == {1}
        assert {call for call, n in purchases.items() if n > 1} <= left_open
        assert fleet.bought_twice() <= len(left_open)
        assert {row["status"] for row in fleet.rows()} <= {"answered", "unparsed"}
        undisturbed = [row for row in fleet.parts() if not row["maybe_paid"]]
        assert undisturbed
        for row in undisturbed:
            assert_is_sum_of_its_turns(row, fleet.emulator.purchase_lines())


@pytest.mark.accept
def test_without_remembered_turns_a_kill_buys_journalled_turns_again():
    with running_fleet(n_workers=1, without=["turns"]) as fleet:
        answered, _ = killed_between_turns(fleet)

        purchases = bought(fleet)
        assert any(purchases[call] > 1 for call in answered)
