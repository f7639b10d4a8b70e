"""Three stages and log-probabilities at full size: NPORS 2024, workers killed with -9 between turns (`make accept`)."""

import json
import math
import re
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from emulator.answering.prompt import read
from emulator.answering.respondent import answer
from producer.prompting.turns import Turns
from schemas import run_paths
from storage.parts import landed_units
from tests.support.fleet import Fleet, running_fleet
from tests.support.npors_runs import npors_study
from workers.shards.journal import read_journals

pytestmark = [pytest.mark.accept, pytest.mark.e2e, pytest.mark.timeout(1800)]
N_TASKS = 28_130
ARMS = """\
arms:
  stages: {model: mini, strategy: chain_of_thought, stages: 3, parameters: {max_completion_tokens: 600}}
  logprobs: {model: mini, strategy: logprobs}
"""


def strategies_study(fleet: Fleet, npors_sav: Path) -> Path:
    study = npors_study(fleet, npors_sav)
    text = study.read_text("utf-8")
    study.write_text(re.sub(r"^arms:\n(?:  .*\n)*", ARMS, text, flags=re.MULTILINE), encoding="utf-8")
    return study


def journalled(fleet: Fleet) -> tuple[set[str], set[str]]:
    """Calls answered in the journals of units in work, and calls left open there."""
    units = {name.rsplit(".", 2)[0] for name in fleet.store.names(run_paths.journal_dir("run"))}
    answered: set[str] = set()
    begun: set[str] = set()
    for unit in units - landed_units(fleet.store, "run"):
        state = read_journals(fleet.store, "run", unit)
        answered |= set(state.answers)
        begun |= set(state.attempts)
    return answered, begun - answered


@pytest.fixture(scope="module")
def finished(npors_sav):
    with running_fleet(emulator={"latency": {"median_s": 0.05, "sigma": 0.3}}, n_workers=0) as fleet:
        fleet.environ |= {"NIGHTPOLL_IN_FLIGHT": "128", "NIGHTPOLL_SLOTS": "4"}
        workers = [fleet.start_worker() for _ in range(2)]
        fleet.open(strategies_study(fleet, npors_sav))
        began_s = time.monotonic()
        kept: set[str] = set()
        left_open: set[str] = set()
        for n_bought in (15_000, 40_000):
            fleet.until_bought(n_bought, deadline_s=900)
            for worker in list(fleet.workers):
                fleet.kill(worker)
            answered, unanswered = journalled(fleet)
            kept |= answered
            left_open |= unanswered
            workers = [fleet.start_worker() for _ in range(2)]
        fleet.until_finished(deadline_s=1500)
        print(json.dumps({"run_s": time.monotonic() - began_s, "workers": len(workers)}))
        yield fleet, kept, left_open


def test_kills_between_turns_buy_only_open_turns_again(finished):
    fleet, kept, left_open = finished
    purchases = Counter(fleet.emulator.purchases()["by_id"])
    plan = pq.read_table(fleet.store.path(run_paths.plan("run")), columns=["request_id", "turns"]).to_pylist()
    n_calls = sum(Turns.from_json(row["turns"]).n for row in plan)
    mid = {call for call in kept if call.endswith((".0", ".1"))}
    again = {call for call, n in purchases.items() if n > 1}
    print(json.dumps({"calls": n_calls, "journalled": len(kept), "of earlier turns": len(mid), "again": len(again)}))

    assert len(purchases) == n_calls
    assert {purchases[call] for call in kept} == {1}
    assert again <= left_open
    assert mid


def test_tokens_and_cost_are_the_sums_of_the_turns(finished):
    fleet, _, _ = finished
    sold: dict[str, list[dict]] = {}
    for one in fleet.emulator.purchase_lines():
        sold.setdefault(one["id"].split(".")[0], []).append(one)
    n = 0
    for row in fleet.parts():
        if row["maybe_paid"]:
            continue
        mine = sold[row["request_id"]]
        assert row["prompt_tokens"] == sum(one["prompt_tokens"] for one in mine)
        assert row["completion_tokens"] == sum(one["completion_tokens"] for one in mine)
        assert math.isclose(row["cost_usd"], sum(float(one["cost_usd"]) for one in mine), abs_tol=1e-12)
        n += 1
    rows = fleet.rows()
    print(json.dumps({"requests compared": n, "cost_usd": math.fsum(row["cost_usd"] for row in rows)}))
    assert len(rows) == 2 * N_TASKS
    assert Counter(row["status"] for row in rows if row["arm"] == "stages") == {"answered": N_TASKS}


def test_logprob_distributions_are_the_emulator_s_true_ones(finished):
    fleet, _, _ = finished
    plan = pq.read_table(fleet.store.path(run_paths.plan("run")), columns=["request_id", "turns"]).to_pylist()
    turns = {row["request_id"]: row["turns"] for row in plan}
    worst, n = 0.0, 0
    for row in fleet.rows():
        if row["arm"] != "logprobs":
            continue
        messages = json.loads(turns[row["request_id"]])[0]
        said = answer(read(messages), seed=0, model="gpt-4.1-mini", temperature=0, sampling_key="")
        true = {int(code): chance for code, chance in said.chances.items()}
        found = dict(row["probabilities"])
        worst = max(worst, *(abs(found[code] - true[code]) for code in true), abs(row["covered_mass"] - 1))
        n += 1
    print(json.dumps({"rows": n, "largest difference": worst}))
    assert n == N_TASKS
    assert worst < 1e-6
