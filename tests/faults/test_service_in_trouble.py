"""A service that fails, refuses, forgets or goes away: what is lost is counted, what can be answered is."""

import math
from collections import Counter

import pytest

from cli.views.evaluation import evaluated
from schemas import run_paths
from storage.runs import load_state
from tests.support.emulator import running_emulator
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until
from workers.connection import plain

pytestmark = pytest.mark.e2e
FAST = {"latency": {"median_s": 0.05, "sigma": 0.3}}


def statuses(fleet: Fleet) -> dict[str, int]:
    rows = fleet.rows()
    return {s: sum(r["status"] == s for r in rows) for s in {r["status"] for r in rows}}


FAULTS = {
    "error_500": 0.05, "error_503": 0.05, "drop_before": 0.03, "drop_after": 0.02, "malformed_json": 0.02,
    "empty_choices": 0.01, "null_content": 0.01, "slow": 0.02,
}  # fmt: skip
CAUSES = {
    "server_error", "http_500", "http_503", "connection_lost", "timeout", "malformed_response", "empty_content", None,
}  # fmt: skip


def check_faults(fleet: Fleet, n_tasks: int, *, unanswered: int) -> None:
    """Every task has its row, each failure a cause that was injected, and no more is lost than was injected."""
    rows = fleet.rows()
    answered = statuses(fleet).get("answered", 0) + statuses(fleet).get("unparsed", 0)
    assert len(rows) == n_tasks
    assert answered >= n_tasks - unanswered
    assert {r["error_code"] for r in rows if r["status"] == "failed"} <= CAUSES
    lost = sum(part["maybe_paid"] for part in fleet.parts())
    injected = fleet.emulator.stats()["faults"]
    losing = ("drop_before", "drop_after", "slow", "malformed_json", "empty_choices")
    assert lost <= sum(injected.get(name, 0) for name in losing)


def test_faults_are_survived_and_every_failure_has_an_injected_cause():
    with running_fleet(emulator=FAST | {"faults": FAULTS | {"slow_s": 6.0}}) as fleet:
        fleet.open(study_of(fleet, n_respondents=150, shard_size=25, timeout_s=3))
        fleet.until_finished()

        check_faults(fleet, 300, unanswered=1)


@pytest.mark.accept
@pytest.mark.timeout(500)
def test_three_thousand_calls_among_faults_and_stalls_of_a_minute_are_answered():
    with running_fleet(emulator=FAST | {"faults": FAULTS | {"slow_s": 60.0}}) as fleet:
        fleet.open(study_of(fleet, n_respondents=1500, shard_size=100, timeout_s=10))
        fleet.until_finished(deadline_s=400)

        check_faults(fleet, 3000, unanswered=3)


@pytest.mark.accept
def test_service_that_is_down_for_a_while_is_waited_for():
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=100, shard_size=25, rpm=1200))
        fleet.until_bought(20)
        fleet.emulator.set_faults(error_503=1.0)
        until(lambda: fleet.emulator.stats()["statuses"].get("503", 0) >= 12, deadline_s=30)
        fleet.emulator.set_faults()

        fleet.until_finished()
        assert len(fleet.rows()) == 200
        assert statuses(fleet).get("failed", 0) == 0
        assert fleet.bought_twice() == 0


def test_key_revoked_in_mid_run_stops_with_5_and_resume_goes_on():
    with running_fleet(emulator=FAST | {"keys": ["k"]}) as fleet:
        fleet.set_key("SOME_KEY", "k")
        fleet.open(study_of(fleet, n_respondents=100, shard_size=25, rpm=1200, key_env="SOME_KEY"))
        fleet.until_bought(20)

        fleet.emulator.revoke_keys()
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 5)
        assert fleet.emulator.stats()["statuses"].get("401", 0) <= 40
        fleet.emulator.restore_keys()
        fleet.event("resumed")
        fleet.until_finished()
        assert statuses(fleet) == {"answered": 200}
        assert fleet.bought_twice() == 0


def test_dead_model_does_not_keep_the_other_from_finishing():
    with running_emulator() as gone:
        dead_url = gone.base_url
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=40, shard_size=10, other_model=dead_url))
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code) == ("stopped", 6)
        assert list(state.stopped_models) == ["other"]
        assert fleet.emulator.purchases()["total"] == 80


def test_second_deployment_serves_when_the_first_refuses():
    with running_emulator(keys=["other"]) as closed, running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=40, shard_size=10, second_deployment=closed.base_url))
        fleet.until_finished()

        assert load_state(fleet.store, "run").phase == "finished"
        assert statuses(fleet) == {"answered": 80}
        assert {r["deployment"] for r in fleet.rows()} == {"mini0"}
        assert closed.stats()["arrived"] <= 20


def test_fallback_answers_for_a_model_that_refuses_and_the_arm_is_mixed():
    with running_emulator() as spare, running_fleet(emulator=FAST | {"keys": ["k"]}) as fleet:
        fleet.set_key("SOME_KEY", "k")
        fleet.open(study_of(fleet, shard_size=20, rpm=1200, key_env="SOME_KEY", fallback=spare.base_url))
        fleet.until_bought(20)

        fleet.emulator.revoke_keys()
        fleet.until_finished()

        rows = fleet.rows()
        by_model = Counter(row["model"] for row in rows)
        assert load_state(fleet.store, "run").phase == "finished"
        assert {row["status"] for row in rows} <= {"answered", "unparsed"}
        assert set(by_model) == {"gpt-4.1-mini", "gpt-4o"}
        assert by_model["gpt-4o"] == spare.purchases()["total"]
        assert fleet.bought_twice() == 0
        evaluated(fleet.store, "run", ("all",))
        assert '"MIXED"' in fleet.store.path(run_paths.evaluation("run", "metrics.json")).read_text()


def test_bill_never_exceeds_the_budget_and_resume_with_more_goes_on():
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=100, shard_size=10, budget_usd=0.003))
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        bill = float(fleet.emulator.purchases()["bill_usd_exact"])
        assert (state.phase, state.exit_code) == ("stopped", 4)
        assert 0.0015 < bill <= 0.003
        plain(fleet.server.url).delete("nightpoll:budget:run")
        fleet.event("budget", data={"run_usd": 1.0})
        fleet.event("resumed")
        fleet.until_finished()
        costs = [r["cost_usd"] for r in fleet.rows()]
        assert abs(math.fsum(costs) - float(fleet.emulator.purchases()["bill_usd_exact"])) < 1e-9
        assert fleet.bought_twice() == 0


def test_budget_holds_when_redis_forgets_it():
    with running_fleet(emulator=FAST) as fleet:
        fleet.open(study_of(fleet, n_respondents=100, shard_size=10, budget_usd=0.004, rpm=1200))
        fleet.until_bought(40)

        fleet.server.wipe()

        fleet.until_finished()
        assert load_state(fleet.store, "run").exit_code == 4
        assert float(fleet.emulator.purchases()["bill_usd_exact"]) <= 0.004


@pytest.mark.accept
def test_429_storm_ends_in_full_use_again():
    with running_fleet(emulator=FAST | {"rpm": 1200, "count_rejected": True, "burst_requests": 30}) as fleet:
        fleet.open(study_of(fleet, n_respondents=250, shard_size=25, rpm=1200))
        fleet.until_bought(30)
        fleet.emulator.set_faults(rate_limited=1.0)
        until(lambda: fleet.emulator.stats()["statuses"].get("429", 0) >= 5, deadline_s=20)
        fleet.emulator.set_faults()

        fleet.until_finished()
        assert statuses(fleet) == {"answered": 500}
        assert fleet.bought_twice() == 0
