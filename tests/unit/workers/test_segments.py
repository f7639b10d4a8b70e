"""The journal in numbered segments: what is in the store when, and what a holder's death leaves."""

import asyncio

import pytest

from schemas.errors import StoreAwayError, StoreError
from storage.store import Store, open_store
from workers.shards import segments
from workers.shards.journal import last_written_s, read_journals, remove_journals
from workers.shards.segments import SegmentJournal

CALLS = [f"{n:032x}.0" for n in range(400)]


class StoppedError(Exception):
    pass


class Faltering(Store):
    """Cannot be written to while `away`."""

    away = False

    def put_if_absent(self, rel, data, mode=0o644):
        if self.away:
            raise StoreAwayError("away")
        return super().put_if_absent(rel, data, mode)


@pytest.fixture
def store(tmp_path):
    return Faltering(open_store(str(tmp_path)).root)


def journal(store, *, holder="h1", n_ahead=0, guard=lambda: None):
    ahead = dict.fromkeys(CALLS[:n_ahead], 0.5)
    return SegmentJournal(store, "run", "s000001", holder=holder, ahead=ahead, guard=guard)


async def die(journal):
    """As a killed process: what is not in the store is lost."""
    journal._writing.cancel()
    await asyncio.gather(journal._writing, return_exceptions=True)


async def test_call_goes_out_only_after_its_announcement_is_in_the_store(store):
    one = journal(store)
    await one.ready(CALLS[7], 0.25)

    state = read_journals(store, "run", "s000001")
    assert state.lost[CALLS[7]] == 1
    assert state.lost_usd[CALLS[7]] == 0.25
    await die(one)


async def test_holder_that_ends_by_itself_leaves_every_answer_and_no_lost_call(store):
    one = journal(store, n_ahead=300)
    for call in CALLS[:300]:
        await one.ready(call)
        one.intent(call)
        one.answer(call, {"outcome": "ok", "cost_usd": 0.0})
    await one.end()

    state = read_journals(store, "run", "s000001")
    assert len(state.answers) == 300
    assert not state.lost
    assert len(last_written_s(store, "run/journal")) == 1
    assert len(store.names("run/journal")) >= 3
    remove_journals(store, "run", "s000001")
    assert store.names("run/journal") == []


async def test_killed_holder_loses_no_more_than_it_announced_and_counts_each(store):
    one = journal(store, n_ahead=400)
    for call in CALLS[:90]:
        await one.ready(call)
        one.intent(call)
        one.answer(call, {"outcome": "ok", "cost_usd": 0.0})
    await die(one)

    state = read_journals(store, "run", "s000001")
    bought_and_unknown = [call for call in CALLS[:90] if call not in state.answers]
    assert set(bought_and_unknown) <= set(state.lost)
    assert state.lost.total() <= segments.AHEAD + segments.FLUSH_AFTER
    assert not set(CALLS[300:]) & set(state.lost)
    assert state.barren_starts in {0, 1}


async def test_second_try_of_a_call_is_announced_again(store):
    one = journal(store)
    await one.ready(CALLS[0])
    one.intent(CALLS[0])
    one.failure(CALLS[0], "time_out", maybe_paid=True)
    await one.ready(CALLS[0])
    await die(one)

    assert read_journals(store, "run", "s000001").lost[CALLS[0]] == 2


async def test_store_that_is_away_lets_no_new_call_out_and_loses_no_line(store, monkeypatch):
    monkeypatch.setattr(segments, "ASK_AGAIN_S", 0.05)
    one = journal(store, n_ahead=1)
    await one.ready(CALLS[0])
    store.away = True
    one.intent(CALLS[0])
    one.answer(CALLS[0], {"outcome": "ok", "cost_usd": 0.0})
    waiting = asyncio.create_task(one.ready(CALLS[1]))
    await asyncio.sleep(0.5)
    assert not waiting.done()

    store.away = False
    await waiting
    await one.end()
    assert list(read_journals(store, "run", "s000001").answers) == [CALLS[0]]


async def test_store_that_stays_away_ends_the_wait_with_its_error(store, monkeypatch):
    monkeypatch.setattr(segments, "PATIENCE_S", 0.1)
    monkeypatch.setattr(segments, "ASK_AGAIN_S", 0.05)
    store.away = True
    one = journal(store)

    with pytest.raises(StoreError):
        await one.ready(CALLS[0])
    with pytest.raises(StoreError):
        await one.end()


async def test_wait_ends_when_no_call_may_go_out(store):
    def stop() -> None:
        raise StoppedError

    store.away = True
    one = journal(store, guard=stop)
    with pytest.raises(StoppedError):
        await one.ready(CALLS[0])
    store.away = False
    await one.end()
    assert not read_journals(store, "run", "s000001").lost
