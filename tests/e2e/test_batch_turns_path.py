"""Arms of several turns with `transport: batch`, from the study to predictions.parquet, beside the same ones online."""

import pytest

from storage.runs import load_state
from tests.support.batch_runs import SPEED, batch_study, ledgers, quick
from tests.support.fleet import Fleet, running_fleet
from workers.progress import committed_usd

pytestmark = pytest.mark.e2e
KEYS = "transport: batch"


def answers(fleet: Fleet, run_id: str) -> dict[str, tuple]:
    """Request id -> what was answered, turn by turn, and its tokens."""
    return {
        row["request_id"]: (row["turns"], row["prompt_tokens"], row["completion_tokens"], row["attempts"])
        for row in fleet.parts(run_id)
        if row["outcome"] == "ok"
    }


def spent(fleet: Fleet, run_id: str) -> float:
    return sum(row["cost_usd"] for row in fleet.parts(run_id))


@pytest.mark.accept
def test_three_stages_in_batches_answer_as_online_at_half_the_price():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        options = {"n_respondents": 5, "arms": ["cot3"]}
        fleet.open(batch_study(fleet, arm_keys="transport: online", **options), run_id="online")
        fleet.until_finished("online", deadline_s=30)
        fleet.open(batch_study(fleet, arm_keys=KEYS, **options), run_id="batch")
        fleet.until_finished("batch", deadline_s=30)

        assert answers(fleet, "batch") == answers(fleet, "online")
        assert len(answers(fleet, "batch")) == 10
        assert spent(fleet, "batch") == pytest.approx(spent(fleet, "online") / 2)
        assert [ledger.round for ledger in ledgers(fleet, "batch")] == [0, 1, 2]


def test_turns_that_batches_lose_go_on_online_and_earlier_turns_are_not_bought_again():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        fleet.emulator.set_batch_faults(lost_lines=0.3)
        study = batch_study(fleet, arm_keys=f"{KEYS}, retry: online", salt="lost", n_respondents=10, arms=["cot3"])
        fleet.open(study, run_id="lost")
        fleet.until_finished("lost", deadline_s=30)
        rows = fleet.parts("lost")
        n_lost = sum(row["outcome"] == "failed" for row in rows)
        assert n_lost > 0
        assert load_state(fleet.store, "lost").handed_over[0].turns_usd > 0
        assert len(answers(fleet, "lost")) == 20
        assert fleet.emulator.purchases()["total"] == 3 * 20 + n_lost
        assert committed_usd(fleet.store, "lost") == pytest.approx(spent(fleet, "lost"))


@pytest.mark.accept
def test_samples_and_orders_in_batches_answer_as_online():
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.start_worker()
        for transport in ("online", "batch"):
            study = batch_study(fleet, arm_keys=f"transport: {transport}, permutations: 2", n_respondents=5)
            fleet.open(study, run_id=transport)
            fleet.until_finished(transport, deadline_s=30)

        assert answers(fleet, "batch") == answers(fleet, "online")
        assert {len(turns) for turns, *_ in answers(fleet, "batch").values()} == {2}
        assert spent(fleet, "batch") == pytest.approx(spent(fleet, "online") / 2)
