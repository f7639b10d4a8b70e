"""A registered version whose answers go bad: its arm pauses, or the version before answers the rest."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from cli.views.evaluation import evaluated
from schemas import run_paths
from storage.runs import load_state
from storage.tuning_records import load_registry
from tests.support.cli_runs import CommandLine
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.fleet import Fleet, running_fleet
from tests.support.until import until
from tests.support.versions import BAD, GOOD, register, study_of_versions

FAST = {"latency": {"median_s": 0.02, "sigma": 0.2}}
N = 200


@contextmanager
def failing_version(
    *, on_failure: str, without: Sequence[str] = ()
) -> Iterator[tuple[Fleet, TestEmulator, TestEmulator]]:
    """An open run whose arm asks tuned@v2, which answers badly; v1 was live before it."""
    with (
        running_emulator(**FAST) as good,
        running_emulator(**FAST, manner={"style": "rambling"}) as rambling,
        running_fleet(emulator=FAST, without=without) as fleet,
    ):
        register(fleet.store, {"v1": good.base_url, "v2": rambling.base_url})
        fleet.open(study_of_versions(fleet, on_failure=on_failure, n_respondents=N // 2, shard_size=10))
        yield fleet, good, rambling


def replies(fleet: Fleet) -> Counter[tuple[str, str, str]]:
    return Counter((row["arm"], row["model_version"], row["status"]) for row in fleet.rows())


def test_arm_of_a_failing_version_pauses_and_goes_on_with_the_one_before_after_the_rollback(monkeypatch, capsys):
    command = CommandLine(capsys)
    with failing_version(on_failure="pause") as (fleet, good, rambling):
        fleet.until_finished()

        state = load_state(fleet.store, "run")
        assert (state.phase, state.exit_code, state.stopped_models) == ("stopped", 5, {"tuned": 5})
        assert fleet.emulator.purchases()["total"] == N  # the other arm went on to its end

        for name, value in fleet.environ.items():
            monkeypatch.setenv(name, value)
        assert "`nightpoll models rollback tuned`" in command("status", "run").out
        assert command("models", "rollback", "tuned").code == 0
        assert command("resume", "run").code == 0
        found, n_bad = replies(fleet), rambling.purchases()["total"]
        assert 50 <= found["basic", "tuned@v2", "unparsed"] == n_bad < N
        assert found["basic", "tuned@v1", "answered"] == N - n_bad == good.purchases()["total"]
        assert_hybrid_shares(fleet)


@pytest.mark.accept
@pytest.mark.parametrize("without", [(), ("rollback",)], ids=["protected", "not remembered"])
def test_version_before_answers_the_rest_though_workers_are_killed_before_and_after_the_rollback(without):
    with failing_version(on_failure="rollback", without=without) as (fleet, good, rambling):
        until_bought(rambling, 40)
        fleet.kill(fleet.workers[0])
        fleet.start_worker()
        until(lambda: good.purchases()["total"] >= 5, deadline_s=40, what="answers of the version before")
        for worker in list(fleet.workers):
            fleet.kill(worker)
        n_bad = rambling.purchases()["total"]
        fleet.start_worker()
        fleet.until_finished()

        if without:
            assert rambling.purchases()["total"] > n_bad
            return
        found, rows = replies(fleet), fleet.rows()
        assert rambling.purchases()["total"] == n_bad < N
        assert load_state(fleet.store, "run").phase == "finished"
        assert found["basic", "tuned@v1", "answered"] + found["basic", "tuned@v2", "unparsed"] == N
        assert {row["model"] for row in rows if row["arm"] == "basic"} == {GOOD, BAD}
        assert load_registry(fleet.store).models["tuned"].live().version == "v1"
        evaluated(fleet.store, "run", ("all",))
        assert '"MIXED"' in fleet.store.path(run_paths.evaluation("run", "metrics.json")).read_text()


def assert_hybrid_shares(fleet: Fleet) -> None:
    """Every row of the route is the row of the arm that it chose: the same request, whichever version answered."""
    rows = {(r["arm"], r["respondent_id"], r["question_id"]): r for r in fleet.rows()}
    routed = [row for (arm, *_), row in rows.items() if arm == "hybrid"]
    assert {row["route_arm"] for row in routed} == {"basic", "other"}
    for row in routed:
        served = rows[row["route_arm"], row["respondent_id"], row["question_id"]]
        same = ("request_id", "model", "model_version", "answer", "cost_usd", "created_at")
        assert [row[name] for name in same] == [served[name] for name in same]


def until_bought(emulator: TestEmulator, n: int) -> None:
    until(lambda: emulator.purchases()["total"] >= n, deadline_s=30, what="answers of the failing version")
