"""Requests of several turns through the Batch API of a real emulator: one batch a turn, answers and bill as online."""

from collections.abc import Iterator

import pytest

from storage.runs import load_state
from tests.support.batch_desk import batch_desk
from tests.support.emulator import TestEmulator, running_emulator
from workers.progress import ProgressReader, committed_usd

N = 24


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=2000.0) as running:
        yield running


def sold(service: TestEmulator, request_ids: set[str]) -> list[dict]:
    return [one for one in service.purchase_lines() if one["id"].rpartition(".")[0] in request_ids]


def test_three_stages_take_three_rounds_and_each_row_is_the_sum_of_its_turns(service, tmp_path):
    desk = batch_desk(tmp_path, service, arms=["cot3"], salt="three")
    desk.work()

    rows = desk.parts()
    assert {row["status"] for row in desk.rows()} <= {"answered", "unparsed"}
    assert [ledger.round for ledger in desk.ledgers()] == [0, 0, 1, 1, 2, 2]
    assert (len(rows), {row["attempts"] for row in rows}, {len(row["turns"]) for row in rows}) == (N, {3}, {3})
    for row in rows:
        mine = sold(service, {row["request_id"]})
        assert len(mine) == 3
        assert row["prompt_tokens"] == sum(one["prompt_tokens"] for one in mine)
        assert row["completion_tokens"] == sum(one["completion_tokens"] for one in mine)
        assert row["cost_usd"] == pytest.approx(sum(float(one["cost_usd"]) for one in mine))
    assert committed_usd(desk.store, "run") == pytest.approx(sum(row["cost_usd"] for row in rows))


def test_answers_between_two_turns_are_in_the_bill_before_they_are_in_a_row(service, tmp_path):
    desk = batch_desk(tmp_path, service, arms=["cot3"], salt="between")
    desk.work(until=lambda _, ledgers: len(ledgers) >= 2 and all(b.state == "closed" for b in ledgers[:2]))

    assert desk.parts() == []
    ids = {one["id"].rpartition(".")[0] for one in service.purchase_lines()[-N:]}
    bought = sum(float(one["cost_usd"]) for one in sold(service, ids))
    assert ProgressReader(desk.store, "run").read().cost_usd == pytest.approx(bought)
    desk.event("cancelled")
    desk.work(until=lambda _, ledgers: all(b.state == "closed" for b in ledgers))


@pytest.mark.parametrize("arm_keys", ["transport: batch", "transport: batch, retry: online"])
def test_lost_lines_are_asked_again_at_their_turn_and_earlier_turns_are_kept(service, tmp_path, arm_keys):
    service.set_batch_faults(lost_lines=0.3)
    desk = batch_desk(tmp_path, service, arms=["cot3"], salt=arm_keys, arm_keys=arm_keys)
    desk.work()
    service.set_batch_faults()

    state, progress = load_state(desk.store, "run"), ProgressReader(desk.store, "run").read()
    in_ledgers = sum(ledger.cost_usd for ledger in desk.ledgers())
    assert progress.cost_usd == pytest.approx(in_ledgers)
    assert bool(state.handed_over) == ("online" in arm_keys)
    journals = [entry for entry in desk.store.names("run/journal")] if state.handed_over else []
    assert bool(journals) == bool(state.handed_over)
