"""As test_batch_killed.py, with the real worker process: keeper, lease, lock file, store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.batch_runs import SPEED, batch_study, ledgers, quick
from tests.support.dying import POINTS
from tests.support.fleet import Fleet, running_fleet

pytestmark = [pytest.mark.e2e, pytest.mark.accept]
REPO = Path(__file__).resolve().parents[2]


def fate_of_worker(fleet: Fleet, point: str) -> int:
    """How a real worker that dies at the point ended."""
    env = os.environ | fleet.environ | {"NIGHTPOLL_TEST_DIED": str(fleet.folder / "died")}
    command = [sys.executable, "-m", "tests.support.dying", point]
    with (fleet.folder / "workers.log").open("ab") as log:
        worker = subprocess.Popen(command, env=env, cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            return worker.wait(180)
        finally:
            worker.kill()


@pytest.mark.parametrize("point", POINTS)
def test_worker_killed_at_one_step_leaves_no_batch_twice_and_every_row(point):
    with running_fleet(n_workers=0, emulator={"batch_speed": SPEED}) as fleet:
        quick(fleet)
        fleet.open(batch_study(fleet, lines=20, n_respondents=20))
        assert fate_of_worker(fleet, point) == -signal.SIGKILL

        fleet.start_worker()
        fleet.until_finished(deadline_s=180)

        made, bought = fleet.emulator.batches(), fleet.emulator.purchases()
        assert (made["created"], made["same_requests"], len(ledgers(fleet))) == (2, 0, 2)
        assert (bought["distinct"], bought["repeated"], len(fleet.rows())) == (40, 0, 40)
        assert {row["status"] for row in fleet.rows()} <= {"answered", "unparsed"}
