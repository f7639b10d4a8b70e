"""What the overnight queue does next, and what it never does, for any queue and any state of its runs."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EvaluationJob, RunPhase
from schemas.overnight import HELD, WINDOW_ENDED, EntryState, OvernightQueue, QueueEntry
from schemas.window import Window
from workers.nights.log import begun, ended, next_turn
from workers.nights.rules import MOST_ATTEMPTS, Known, next_steps, night_is_over, untold_nights

NIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
DAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
WINDOW = Window(start="22:00", end="06:30", timezone="UTC")


LAST = {"state": "finishing"}
THEN = ["evaluate", "report"]


def make_entry(number: int = 1, **fields: Any) -> QueueEntry:
    usual = {"id": f"q{number}", "study": "/s/study.yaml", "name": f"s{number}", "run_id": f"r{number}"}
    return QueueEntry(**{**usual, "added_at": NIGHT - timedelta(hours=5), "window": WINDOW, **fields})


def steps(entries: list[QueueEntry], known: dict[str, Known], now: datetime) -> list[tuple[str, str]]:
    queue = OvernightQueue(entries=entries)
    return [(step.kind, step.entry.id) for step in next_steps(queue, known, now)]


@pytest.mark.parametrize(
    ("fields", "known", "now", "expected"),
    [
        pytest.param({}, Known(), NIGHT, ["start"], id="window open"),
        pytest.param({}, Known(), DAY, [], id="window closed"),
        pytest.param({}, Known("planned"), NIGHT, ["start"], id="died between plan and opening"),
        pytest.param({}, Known(is_prepared=True), NIGHT, [], id="being planned"),
        pytest.param({"held": True}, Known(), NIGHT, [], id="held"),
        pytest.param({"not_before": DAY}, Known(), NIGHT, [], id="not its turn"),
        pytest.param({"attempts": MOST_ATTEMPTS}, Known(), NIGHT, ["give_up"], id="died at every start"),
        pytest.param({}, Known("running"), NIGHT, ["note"], id="just opened"),
        pytest.param({"state": "running"}, Known("running"), NIGHT, [], id="at work"),
        pytest.param({"state": "running"}, Known("running"), DAY, ["drain"], id="window ended"),
        pytest.param({"state": "running", "held": True}, Known("running"), NIGHT, ["drain"], id="held at work"),
        pytest.param({"state": "drained"}, Known("running"), DAY, [], id="resumed by a user in the day"),
        pytest.param({"state": "running"}, Known("paused", WINDOW_ENDED), DAY, ["drain"], id="died before the note"),
        pytest.param({"state": "drained"}, Known("paused", WINDOW_ENDED), NIGHT, ["resume"], id="next night"),
        pytest.param({"state": "drained"}, Known("paused", HELD), NIGHT, ["resume"], id="no longer held"),
        pytest.param({"state": "drained"}, Known("paused", WINDOW_ENDED), DAY, [], id="rests"),
        pytest.param({"state": "running"}, Known("paused", "by a command"), NIGHT, [], id="paused by a user"),
        pytest.param({"state": "running"}, Known("stopped", "no", 5), NIGHT, ["end"], id="refused"),
        pytest.param({"state": "running"}, Known("cancelled", "", 8), NIGHT, ["end"], id="cancelled"),
        pytest.param({"state": "running"}, Known("finished"), DAY, ["finish"], id="finished"),
        pytest.param({"then": THEN}, Known("finished"), DAY, ["evaluate"], id="to be evaluated"),
        pytest.param({"then": THEN} | LAST, Known("finished"), DAY, ["evaluate"], id="died before it was asked"),
        pytest.param({"then": THEN} | LAST, Known("finished", evaluation="asked"), DAY, [], id="being evaluated"),
        pytest.param({"then": THEN} | LAST, Known("finished", evaluation="failed"), DAY, ["finish"], id="evaluated"),
    ],
)
def test_entry_takes_its_step(fields, known, now, expected):
    assert [kind for kind, _ in steps([make_entry(**fields)], {"q1": known}, now)] == expected


def test_first_in_the_list_begins_and_others_wait():
    entries = [make_entry(2), make_entry(1)]

    assert steps(entries, {"q1": Known(), "q2": Known()}, NIGHT) == [("start", "q2")]
    assert steps(entries, {"q1": Known(), "q2": Known(is_prepared=True)}, NIGHT) == []


def test_next_begins_in_the_same_look_in_which_one_ends():
    entries = [make_entry(1, state="running"), make_entry(2)]

    assert steps(entries, {"q1": Known("stopped", "gone", 6), "q2": Known()}, NIGHT) == [("end", "q1"), ("start", "q2")]


def test_overlapping_windows_take_turns_in_the_order_of_the_list():
    late = make_entry(1, window=Window(start="23:30", end="05:00", timezone="UTC"))
    early, known = make_entry(2), {"q1": Known(), "q2": Known()}

    assert steps([late, early], known, NIGHT) == [("start", "q2")]
    assert steps([late, early], {**known, "q2": Known("running")}, NIGHT + timedelta(hours=1)) == [("note", "q2")]
    assert steps([late, early], known, NIGHT + timedelta(hours=1)) == [("start", "q1")]


known_runs = st.builds(
    Known,
    phase=st.sampled_from([None, *get_args(RunPhase)]),
    reason=st.sampled_from(["", WINDOW_ENDED, HELD, "paused by a command"]),
    is_prepared=st.booleans(),
    evaluation=st.sampled_from(get_args(EvaluationJob)),
)
entries_of = st.fixed_dictionaries(
    {
        "state": st.sampled_from(get_args(EntryState)),
        "held": st.booleans(),
        "attempts": st.integers(0, 4),
        "window": st.sampled_from([None, WINDOW, Window(start="01:00", end="03:00", timezone="Asia/Kolkata")]),
    }
)


@given(st.lists(st.tuples(entries_of, known_runs), max_size=5), st.integers(0, 48))
def test_at_most_one_entry_begins_and_only_where_it_may(drawn, hour):
    entries = [make_entry(i, **fields) for i, (fields, _) in enumerate(drawn)]
    known = {f"q{i}": run for i, (_, run) in enumerate(drawn)}
    now = NIGHT + timedelta(hours=hour)

    found = next_steps(OvernightQueue(entries=entries), known, now)

    begun_now = [step for step in found if step.kind in ("start", "resume")]
    assert len(begun_now) <= 1
    assert all(step.entry.may_work(now) and not known[step.entry.id].is_prepared for step in begun_now)
    working = [e for e in entries if e.is_open and known[e.id].phase == "running"]
    drained = {step.entry.id for step in found if step.kind == "drain"}
    assert not begun_now or all(entry.id in drained for entry in working)
    assert all(step.kind != "start" or known[step.entry.id].phase in (None, "planned") for step in found)
    assert len({step.entry.id for step in found}) == len(found)


def test_night_is_told_once_nobody_works_before_its_noon():
    done = make_entry(1, state="done", nights=ended(make_entry(1), "done", NIGHT))
    waiting = make_entry(2)
    queue = OvernightQueue(entries=[done, waiting])
    (night,) = untold_nights(queue)

    assert not night_is_over(queue, {"q2": Known()}, night, NIGHT)
    assert night_is_over(queue, {"q2": Known()}, night, DAY)
    assert untold_nights(queue.model_copy(update={"told": {str(night): ["q1"]}})) == {}


def test_night_that_is_drained_after_the_deadline_is_late():
    entry = make_entry(deadline="06:00", state="running")
    working = entry.model_copy(update={"nights": begun(entry, NIGHT)})

    assert ended(working, "done", NIGHT)[0].late is False
    assert ended(working, "done", NIGHT + timedelta(hours=7, minutes=1))[0].late is True
    assert ended(working, "drained", NIGHT)[0].late is True


def test_nightly_entry_begins_again_when_its_window_has_closed():
    assert next_turn(make_entry(), NIGHT) == datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    assert next_turn(make_entry(window=None), NIGHT) == datetime(2026, 11, 23, 12, tzinfo=UTC)
