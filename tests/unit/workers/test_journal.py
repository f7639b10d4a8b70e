import pytest

from schemas import run_paths
from storage.store import Store
from workers.shards.journal import FileJournal, read_journals, remove_journals


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def journal(store: Store, holder: str = "h1", unit: str = "s000001") -> FileJournal:
    return FileJournal(store, "run", unit, holder)


def test_answers_of_all_holders_are_read(store):
    for holder, call in (("h1", "a.0"), ("h2", "b.0")):
        writer = journal(store, holder)
        writer.intent(call)
        writer.answer(call, {"outcome": "ok"})
        writer.close()

    state = read_journals(store, "run", "s000001")

    assert set(state.answers) == {"a.0", "b.0"}
    assert state.lost.total() == 0


def test_intent_without_an_ending_counts_as_lost(store):
    writer = journal(store)
    writer.intent("a.0")
    writer.close()
    assert read_journals(store, "run", "s000001").lost["a.0"] == 1


def test_failure_counts_as_lost_only_if_it_may_have_been_paid(store):
    writer = journal(store)
    for call, paid in (("a.0", True), ("b.0", False)):
        writer.intent(call)
        writer.failure(call, "timeout", maybe_paid=paid)
    writer.close()

    state = read_journals(store, "run", "s000001")

    assert (state.lost["a.0"], state.lost["b.0"]) == (1, 0)
    assert state.attempts["a.0"] == 1


def test_torn_last_line_is_dropped(store):
    writer = journal(store)
    for call in ("a.0", "b.0"):
        writer.intent(call)
        writer.answer(call, {"outcome": "ok"})
    path = store.path(run_paths.journal("run", "s000001", "h1"))
    path.write_bytes(path.read_bytes()[:-7])

    state = read_journals(store, "run", "s000001")

    assert set(state.answers) == {"a.0"}
    assert state.lost["b.0"] == 1


def test_text_with_line_separators_stays_one_line(store):
    writer = journal(store)
    writer.answer("a.0", {"text": "x\u2028y\nz\x85"})
    writer.close()
    assert read_journals(store, "run", "s000001").answers["a.0"]["text"] == "x\u2028y\nz\x85"


def test_units_with_a_common_beginning_are_kept_apart(store):
    for unit in ("s000001", "s000001.g1"):
        writer = journal(store, unit=unit)
        writer.answer(f"{unit}.0", {})
        writer.close()

    assert set(read_journals(store, "run", "s000001").answers) == {"s000001.0"}
    remove_journals(store, "run", "s000001")
    assert set(read_journals(store, "run", "s000001.g1").answers) == {"s000001.g1.0"}


def test_holders_that_died_before_their_first_line_are_counted(store):
    for holder in ("h1", "h2"):
        journal(store, holder)  # begins and never says anything again
    journal(store, "h3").close()  # ended by itself: no sign of poison
    assert read_journals(store, "run", "s000001").barren_starts == 2

    writer = journal(store, "h4")
    writer.intent("a.0")
    writer.close()
    assert read_journals(store, "run", "s000001").barren_starts == 0


def test_lost_calls_keep_what_the_budget_reserved_for_them(store):
    writer = journal(store)
    writer.intent("a.0", 0.002)
    writer.intent("b.0", 0.003)
    writer.answer("b.0", {"outcome": "ok"})
    writer.close()
    assert dict(read_journals(store, "run", "s000001").lost_usd) == {"a.0": 0.002}


def test_answer_that_two_holders_bought_counts_once_as_lost(store):
    for holder, text in (("h1", "first"), ("h2", "second")):
        one = journal(store, holder)
        one.intent("c.0")
        one.answer("c.0", {"outcome": "ok", "turns": [text]})
        one.close()

    state = read_journals(store, "run", "s000001")
    assert state.answers["c.0"]["turns"] == ["first"]
    assert state.lost["c.0"] == 1
