"""Arms with `transport: batch`, from the study to predictions.parquet, with real workers and a real service."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.runs import load_state
from tests.support.batch_runs import SPEED, batch_study, ledgers, quick
from tests.support.fleet import running_fleet

pytestmark = pytest.mark.e2e


def test_study_goes_through_three_batches_and_every_task_has_its_answer_at_half_the_price():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        fleet.open(batch_study(fleet, lines=50, n_respondents=60))
        fleet.until_finished(deadline_s=30)

        rows = fleet.rows()
        bought = fleet.emulator.purchases()
        assert {r["status"] for r in rows} <= {"answered", "unparsed"}
        assert {r["transport"] for r in rows} == {"batch"}
        assert [ledger.state for ledger in ledgers(fleet)] == ["closed"] * 3
        assert (len(rows), bought["distinct"], bought["repeated"]) == (120, 120, 0)
        assert sum(r["cost_usd"] for r in rows) == pytest.approx(bought["bill_usd"])


@pytest.mark.accept
def test_what_a_batch_loses_and_what_a_deadline_stops_is_asked_online():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        fleet.emulator.set_batch_faults(lost_lines=0.5)
        fleet.open(batch_study(fleet, arm_keys="transport: batch, retry: online", n_respondents=20))
        fleet.until_finished(deadline_s=60)
        lossy = fleet.rows()

        fleet.emulator.set_batch_faults(validating_s=1e6)
        soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
        keys = f'transport: batch, deadline: "{soon}"'
        fleet.open(batch_study(fleet, arm_keys=keys, n_respondents=20, salt="late"), run_id="late")
        fleet.until_finished("late", deadline_s=60)

        assert {row["transport"] for row in lossy} == {"batch", "online"}
        assert {row["transport"] for row in fleet.rows("late")} == {"online"}
        assert load_state(fleet.store, "late").rescued == ["mini"]
        assert {row["status"] for row in [*lossy, *fleet.rows("late")]} <= {"answered", "unparsed"}
        assert sum(row["maybe_paid"] for row in fleet.parts()) == fleet.emulator.purchases()["repeated"]


def test_transport_left_open_is_chosen_when_the_run_opens_and_kept():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        soon = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        fleet.open(batch_study(fleet, arm_keys="transport: auto", n_respondents=20), run_id="calm")
        hurried = batch_study(
            fleet, arm_keys=f'transport: auto, deadline: "{soon}"', n_respondents=20, salt="x", arms=["basic", "cot"]
        )
        fleet.open(hurried, run_id="hurried")
        for run_id in ("calm", "hurried"):
            fleet.until_finished(run_id, deadline_s=60)

        assert {row["transport"] for row in fleet.rows("calm")} == {"batch"}
        assert {row["transport"] for row in fleet.rows("hurried")} == {"online"}
        assert (len(fleet.rows("calm")), len(fleet.rows("hurried"))) == (40, 80)
        chosen = [load_state(fleet.store, run_id).transports["mini"] for run_id in ("calm", "hurried")]
        assert [choice.transport for choice in chosen] == ["batch", "online"]
        assert chosen[1].deadline == soon
        assert fleet.emulator.purchases()["repeated"] == 0
