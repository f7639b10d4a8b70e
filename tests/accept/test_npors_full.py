"""The main job at full size: Pew's NPORS 2024, 5,626 respondents x 5 questions x basic (`make accept`)."""

import json
import math
import re
import time

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from tests.support.fleet import Fleet, running_fleet
from tests.support.npors_runs import npors_study

pytestmark = [pytest.mark.accept, pytest.mark.e2e, pytest.mark.timeout(1200)]
N_TASKS = 28_130


@pytest.fixture(scope="module")
def finished(npors_sav):
    with running_fleet(emulator={}) as fleet:
        fleet.environ |= {"NIGHTPOLL_IN_FLIGHT": "128", "NIGHTPOLL_SLOTS": "4"}
        fleet.workers[0].terminate()
        fleet.workers[1].terminate()
        for _ in range(2):
            fleet.start_worker()
        began_s = time.monotonic()
        fleet.open(npors_study(fleet, npors_sav))
        opened_s = time.monotonic()
        fleet.until_finished(deadline_s=900)
        print(json.dumps({"plan_s": opened_s - began_s, "run_s": time.monotonic() - opened_s}))
        yield fleet


def plan(fleet: Fleet):
    return pq.read_table(fleet.store.path(run_paths.plan("run")))


def test_one_row_per_task_and_one_purchase_per_request(finished):
    n_requests = plan(finished).num_rows
    bought = finished.emulator.purchases()
    print(json.dumps({"requests": n_requests, "purchases": bought["total"], "repeated": bought["repeated"]}))
    assert len(finished.rows()) == N_TASKS
    assert 27_000 < n_requests < 27_800
    assert (bought["total"], bought["repeated"]) == (n_requests, 0)


def test_bill_is_the_sum_of_cost_usd(finished):
    costs = [r["cost_usd"] for r in finished.rows()]
    bill = float(finished.emulator.purchases()["bill_usd_exact"])
    print(json.dumps({"cost_usd": math.fsum(costs), "bill_usd": bill}))
    assert abs(math.fsum(costs) - bill) < 1e-9


def test_personas_read_as_people_would_say_them(finished):
    prompts = plan(finished)["turns"].to_pylist()
    assert any("etropolitan" in p for p in prompts)
    for prompt in prompts:
        persona = json.loads(prompt)[0][-1]["content"].split("Question:")[0]
        assert not re.search(r"\b99\b|\bnan\b|\bNone\b|\d\.\d", persona)


def test_99_is_never_an_answer_or_a_truth(finished):
    rows = finished.rows()
    assert {r["answer"] for r in rows} <= {None, 1, 2, 3, 4, 5}
    assert {r["truth"] for r in rows} <= {None, 1, 2, 3, 4, 5}


def test_four_libraries_open_the_result_without_options(finished):
    path = str(finished.store.path(run_paths.predictions("run")))
    assert len(pd.read_parquet(path)) == N_TASKS
    assert pl.read_parquet(path).height == N_TASKS
    assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(N_TASKS,)]
    assert pq.read_table(path).num_rows == N_TASKS
