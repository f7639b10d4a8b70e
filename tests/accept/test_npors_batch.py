"""NPORS 2024, basic, in three batches and online: same rows, same answers, half the bill (`make accept`)."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.batch_runs import ledgers, quick
from tests.support.fleet import running_fleet
from tests.support.npors_runs import npors_study

pytestmark = [pytest.mark.accept, pytest.mark.e2e, pytest.mark.timeout(1500)]
N_TASKS = 28_130
COMPARED = [
    "task_id",
    "respondent_id",
    "question_id",
    "request_id",
    "status",
    "answer",
    "answer_text",
    "truth",
    "weight",
]


def in_batches(study: Path, base_url: str) -> None:
    """The same study with its arm in batches of 10,000."""
    text = study.read_text("utf-8")
    assert "  basic: {model: mini, strategy: basic}" in text
    text = text.replace("strategy: basic}", "strategy: basic, transport: batch}")
    study.write_text(text, encoding="utf-8")
    models = study.with_name("models.yaml")
    batch = f'    batch:\n      - {{name: night, base_url: "{base_url}", auth: none, max_lines: 10_000}}\n'
    models.write_text(models.read_text("utf-8").rstrip("\n") + "\n" + batch, encoding="utf-8")


def test_batches_give_the_rows_and_answers_of_online_calls_at_half_the_bill(npors_sav):
    with running_fleet(n_workers=0, emulator={"batch_speed": 100.0}) as fleet:
        quick(fleet)
        fleet.environ |= {"NIGHTPOLL_IN_FLIGHT": "128", "NIGHTPOLL_SLOTS": "4"}
        fleet.start_worker()
        study = npors_study(fleet, npors_sav)
        study.write_text(study.read_text("utf-8") + "\nreuse: {scope: none}\n", encoding="utf-8")
        fleet.open(study, run_id="online")
        fleet.until_finished("online", deadline_s=900)
        online_bill = float(fleet.emulator.purchases()["bill_usd_exact"])

        in_batches(study, fleet.emulator.base_url)
        began_s = time.monotonic()
        fleet.open(study, run_id="batch")
        fleet.until_finished("batch", deadline_s=900)
        took_s = time.monotonic() - began_s
        batch_bill = float(fleet.emulator.purchases()["bill_usd_exact"]) - online_bill

        online, batch = fleet.rows("online"), fleet.rows("batch")
        told = math.fsum(row["cost_usd"] for row in batch)
        print(json.dumps({"batches": len(ledgers(fleet, "batch")), "rows": len(batch), "run_s": took_s}))
        print(json.dumps({"online_usd": online_bill, "batch_usd": batch_bill, "cost_usd": told}))
        assert len(ledgers(fleet, "batch")) == 3
        assert len(batch) == N_TASKS
        assert [picked(row) for row in batch] == [picked(row) for row in online]
        assert {row["transport"] for row in batch} == {"batch"}
        assert batch_bill == pytest.approx(online_bill / 2, abs=1e-9)
        assert told == pytest.approx(batch_bill, abs=1e-9)


def picked(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in COMPARED]
