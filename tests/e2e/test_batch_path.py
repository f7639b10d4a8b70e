"""Arms with `transport: batch`, from the study to predictions.parquet, with real workers and a real service."""

import pytest

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
