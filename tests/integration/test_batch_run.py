"""A run's batches against a real service: queues, generations, budgets, deadlines, giving up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.batches import QUEUED, BatchLedger
from schemas.events import RunState
from tests.support.batch_desk import batch_desk
from tests.support.emulator import TestEmulator, running_emulator
from workers.batch import schedule as batch_schedule
from workers.batch.asks import read_asks
from workers.connection import plain

N = 24


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=2000.0) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(service):
    service.set_batch_faults()


def states(ledgers):
    return [ledger.end if ledger.state == "closed" else ledger.state for ledger in ledgers]


def all_created(_: RunState, ledgers: list[BatchLedger]) -> bool:
    return bool(ledgers) and all(ledger.state == "created" for ledger in ledgers)


def handed_over(state: RunState, ledgers: list[BatchLedger]) -> bool:
    return bool(state.handed_over) and not any(ledger.is_open for ledger in ledgers)


def slow(service: TestEmulator, **more: Any) -> None:
    """Batches that would take half a minute to be validated."""
    service.set_batch_faults(validating_s=60_000, **more)


def bought_since(service, n):
    return len(service.purchase_lines()) - n


def test_queue_never_holds_more_tokens_than_the_deployment_takes(service, tmp_path):
    desk = batch_desk(tmp_path, service, lines=6, keys="enqueued_tokens: 700", salt="room")
    seen = set()

    def watch(_: RunState, ledgers: list[BatchLedger]) -> bool:
        seen.add(sum(ledger.file.n_tokens for ledger in ledgers if ledger.state in QUEUED))
        return bool(ledgers) and all(ledger.state == "closed" for ledger in ledgers)

    desk.work(until=watch)
    desk.work()

    assert len(desk.ledgers()) >= 4
    assert 0 < max(seen) <= 700
    assert {row["status"] for row in desk.rows()} <= {"answered", "unparsed"}


@pytest.mark.parametrize("refusal", ["create", pytest.param("later", marks=pytest.mark.accept)])
def test_batch_no_queue_takes_is_halved_and_no_request_loses_a_try(tmp_path, refusal):
    limits = {"enqueued_tokens": 1100, "token_refusal": refusal}
    with running_emulator(batch_speed=2000.0, batch=limits) as service:
        desk = batch_desk(tmp_path, service, lines=N)
        desk.work()

        assert states(desk.ledgers())[0] == "halved"
        assert {row["attempts"] for row in desk.rows()} == {1}
        assert {row["status"] for row in desk.rows()} <= {"answered", "unparsed"}
        assert service.purchases()["repeated"] == 0


@pytest.mark.accept
def test_request_too_large_for_the_queue_fails_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_schedule, "REFUSED_BEFORE_GIVING_UP", 4)
    with running_emulator(batch_speed=2000.0, batch={"enqueued_tokens": 5, "token_refusal": "create"}) as service:
        desk = batch_desk(tmp_path, service, n_respondents=6, lines=1, waits={"batch_backoff_s": 0.001})
        desk.work()

        assert {row["error_code"] for row in desk.rows()} == {"token_limit_exceeded"}


def test_two_deployments_share_the_batches_each_in_its_own_name(tmp_path):
    served = {name: {"model": "gpt-4.1-mini", "enqueued_tokens": 1100} for name in ("left", "right")}
    with running_emulator(profile="azure_v1", deployments=served, batch_speed=2000.0) as service:
        url = f'base_url: "{service.base_url}", max_lines: 8'
        batch = [f"{url}, deployment: {name}, enqueued_tokens: 1100" for name in served]
        desk = batch_desk(tmp_path, service, batch=batch, provider="azure_v1")
        desk.work()

        assert {ledger.deployment for ledger in desk.ledgers()} == {"b0", "b1"}
        assert {row["status"] for row in desk.rows()} <= {"answered", "unparsed"}
        assert service.purchases()["repeated"] == 0


def test_what_fails_goes_online_where_the_arm_says_so(service, tmp_path):
    service.set_batch_faults(lost_lines=0.5)
    desk = batch_desk(tmp_path, service, arm_keys="transport: batch, retry: online", salt="online")

    desk.work(until=handed_over)

    (moved,) = desk.state().handed_over
    asks = read_asks(desk.store, "run", "online-0.g0.asks")
    missing = sum(ledger.tally.n_missing for ledger in desk.ledgers())
    assert (moved.model, len(asks)) == ("mini", missing)
    assert 0 < missing < N
    assert set(asks.values()) == {1}


def test_cancelled_run_keeps_what_its_batches_had_done_and_pays_no_more(service, tmp_path):
    desk = batch_desk(tmp_path, service, salt="cancel", waits={"batch_poll_s": 0.01})
    slow(service)
    desk.work(until=all_created)

    desk.event("cancelled")
    desk.work(until=lambda _, ledgers: not any(ledger.is_open for ledger in ledgers))

    assert states(desk.ledgers()) == ["harvested", "harvested"]
    assert {ledger.seen.status for ledger in desk.ledgers()} == {"cancelled"}
    assert {row["status"] for row in desk.rows()} == {"cancelled"}


def test_cancelled_batch_is_made_again_when_the_run_goes_on(service, tmp_path):
    desk = batch_desk(tmp_path, service, salt="again")
    slow(service)
    desk.work(until=all_created)
    service.set_batch_faults()
    desk.event("paused", reason="")
    desk.event("batch_cancelled", numbers=[1, 2])
    desk.work(until=lambda _, ledgers: not any(ledger.is_open for ledger in ledgers))
    assert len(desk.ledgers()) == 2

    desk.event("resumed")
    desk.work()

    assert len(desk.ledgers()) == 4
    assert {row["attempts"] for row in desk.rows()} == {1}


def test_near_deadline_cancels_waits_and_hands_the_rest_over(service, tmp_path):
    deadline = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    keys = f'transport: batch, deadline: "{deadline}"'
    desk = batch_desk(tmp_path, service, arm_keys=keys, salt="deadline", waits={"rescue_margin_s": 1.0})
    slow(service)

    desk.work(until=handed_over)

    assert desk.state().rescued == ["mini"]
    assert {ledger.seen.status for ledger in desk.ledgers()} == {"cancelled"}
    assert len(read_asks(desk.store, "run", "online-0.g0.asks")) == N
    assert datetime.now(UTC) > datetime.fromisoformat(deadline) - timedelta(seconds=2)


def test_rescue_that_may_pay_twice_does_not_wait_for_the_cancelled_batches(service, tmp_path):
    deadline = (datetime.now(UTC) + timedelta(seconds=120)).isoformat()
    keys = f'transport: batch, rescue: pay_twice, deadline: "{deadline}"'
    desk = batch_desk(tmp_path, service, arm_keys=keys, salt="twice", waits={"rescue_margin_s": 1.0})
    slow(service, cancelling_s=60_000)
    desk.work(until=all_created)

    late = replace(desk, settings=desk.settings.model_copy(update={"rescue_margin_s": 120.0}))  # late enough now
    late.work(until=lambda state, _: bool(state.handed_over))

    assert len(read_asks(desk.store, "run", "online-0.g0.asks")) == N
    assert any(ledger.state == "created" for ledger in desk.ledgers())


def test_budget_is_reserved_before_a_batch_and_settled_by_its_usage(service, tmp_path, redis_url):
    desk = batch_desk(tmp_path, service, salt="budget", budget_usd=1.0)

    desk.work(redis_url=redis_url)

    paid = sum(row["cost_usd"] for row in desk.rows())
    committed = int(plain(redis_url).hget("nightpoll:budget:run", "committed"))
    assert committed / 1e9 == pytest.approx(paid, abs=1e-8)
    assert all(ledger.is_settled and ledger.reserved_usd > ledger.cost_usd for ledger in desk.ledgers())


def test_batch_beyond_the_budget_is_not_made(service, tmp_path, redis_url):
    before = len(service.purchase_lines())
    desk = batch_desk(tmp_path, service, salt="poor", budget_usd=0.0000001)

    desk.work(until=lambda state, _: state.phase == "stopped", redis_url=redis_url)

    assert (desk.state().exit_code, bought_since(service, before)) == (4, 0)
