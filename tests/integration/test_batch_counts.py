"""What metrics count of a batch: each line, token and dollar once, also if the harvest is done again."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.batch_desk import batch_desk
from tests.support.emulator import TestEmulator, running_emulator
from workers import metrics
from workers.batch.turn import Turn

N = 24


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=2000.0) as running:
        yield running


def value(name: str, **labels: str) -> float:
    found = metrics.REGISTRY.get_sample_value(name, labels)
    return 0.0 if found is None else found


def counted() -> dict[str, float]:
    return {
        "calls": value("nightpoll_calls_total", transport="batch"),
        "answered": value("nightpoll_call_outcomes_total", outcome="answered"),
        "ok": value("nightpoll_requests_total", outcome="ok"),
        "tokens": value("nightpoll_tokens_total", kind="prompt"),
        "usd": value("nightpoll_cost_usd_total"),
    }


def rise(before: dict[str, float]) -> dict[str, float]:
    return {name: now - before[name] for name, now in counted().items()}


@pytest.mark.parametrize(("arm", "turns"), [("basic", 1), ("cot3", 3)])
def test_batches_count_every_line_and_what_it_cost_once(service, tmp_path, arm, turns):
    sold, before = len(service.purchase_lines()), counted()
    desk = batch_desk(tmp_path, service, arms=[arm], salt=f"count {arm}")

    desk.work()

    lines, rose = service.purchase_lines()[sold:], rise(before)
    assert rose["calls"] == rose["answered"] == len(lines) == N * turns
    assert rose["ok"] == N
    assert rose["tokens"] == sum(line["prompt_tokens"] for line in lines)
    assert rose["usd"] == pytest.approx(sum(float(line["cost_usd"]) for line in lines))


def test_harvest_done_again_after_a_crash_behind_the_part_counts_nothing_twice(service, tmp_path, monkeypatch):
    before, written, crashed = counted(), Turn.write, []

    def dies_once(turn: Turn, **changes: Any) -> Any:
        if changes.get("state") == "harvested" and not crashed:
            crashed.append(turn)
            raise KeyboardInterrupt
        return written(turn, **changes)

    monkeypatch.setattr(Turn, "write", dies_once)
    desk = batch_desk(tmp_path, service, lines=N, salt="again")

    with pytest.raises(KeyboardInterrupt):
        desk.work()
    desk.work()

    assert len(crashed) == 1
    assert rise(before)["calls"] == rise(before)["ok"] == N
