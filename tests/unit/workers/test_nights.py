"""The keeper's side of the overnight queue on a real store: planning in this process, runs landed by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.overnight import OvernightQueue, QueueEntry
from schemas.settings import Settings
from schemas.window import Window
from storage.runs import append_event, load_events, load_state
from storage.store import Store, open_store
from tests.support.cli_runs import land
from tests.support.studies import write_study
from workers.nights.child import end_entry
from workers.nights.clock import set_rehearsal
from workers.nights.entries import change_queue, has_open_entries, read_queue
from workers.nights.loop import Nights
from workers.nights.morning import make_summary, summary_path
from workers.nights.start import start
from workers.predictions.compaction import compact

NIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 7, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 11, 23, 23, tzinfo=UTC)


class Here(Nights):
    """Children are asked to work at the end of the look; `dies` of them die first."""

    def __init__(self, store: Store, settings: Settings, dies: int = 0) -> None:
        super().__init__(store, settings)
        self.here, self.settings, self.dies = store, settings, dies
        self.asked: list[tuple[str, str]] = []

    def _start(self, kind: str, name: str) -> None:
        self.asked.append((kind, name))

    def look(self) -> list[str]:
        """One look and the work it asked for."""
        self._looked_s, self.asked = -10.0, []
        self.tick()
        for kind, name in self.asked:
            if self.dies:
                self.dies -= 1
            elif kind == "summary":
                make_summary(self.here, self.settings, datetime.fromisoformat(name).date(), MORNING)
            else:
                start(self.here, self.settings, name)
        return [kind for kind, _ in self.asked]


class Rig:
    """A store, a clock, a queue of small studies."""

    def __init__(
        self, folder: Path, n: int = 1, dies: int = 0, study: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        self.study_keys = {} if study is None else study
        self.store, self.clock = open_store(str(folder / "runs")), folder / "clock.json"
        self.at(NIGHT)
        self.nights = Here(self.store, Settings(store=str(self.store.root), night_clock=self.clock), dies)
        window = Window(start="22:00", end="06:30", timezone="UTC")
        entries = [
            QueueEntry(
                id=f"q{i}", study=str(self._study(folder, i)), name=f"s{i}", run_id=f"run{i}", added_at=NIGHT,
                window=window, **fields,
            )
            for i in range(1, n + 1)
        ]  # fmt: skip
        change_queue(self.store, lambda _: OvernightQueue(entries=entries))

    def _study(self, folder: Path, number: int) -> Path:
        return write_study(
            folder / f"s{number}", "http://127.0.0.1:9/v1", n_respondents=12, name=f"s{number}", **self.study_keys
        )

    def at(self, moment: datetime) -> None:
        set_rehearsal(self.clock, moment, 1.0)

    def end_run(self, run_id: str) -> None:
        """All answers land and the keeper finishes the run."""
        land(self.store, run_id, lambda _: {})
        compact(self.store, run_id)
        append_event(self.store, run_id, "finished", {"exit_code": 0})

    def kinds(self, run_id: str) -> list[str]:
        return [event.kind for event in load_events(self.store, run_id)]

    def states(self) -> list[str]:
        return [entry.state for entry in read_queue(self.store).entries]

    def summary(self, night: str) -> dict[str, Any]:
        return json.loads(self.store.read_bytes(summary_path(night)))


def test_entry_is_drained_in_the_morning_goes_on_the_next_night_and_is_summed_up_twice(tmp_path):
    rig = Rig(tmp_path, deadline="06:30")
    assert rig.nights.look() == ["start"]
    assert rig.nights.look() == []
    assert rig.states() == ["running"]

    rig.at(MORNING)
    rig.nights.look()
    assert (rig.states(), load_state(rig.store, "run1").phase) == (["drained"], "paused")
    assert rig.nights.look() == ["summary"]
    assert rig.nights.look() == []
    rig.at(NEXT_NIGHT)
    rig.nights.look()
    rig.end_run("run1")
    assert rig.nights.look() == []
    rig.at(datetime(2026, 11, 24, 7, tzinfo=UTC))
    rig.nights.look()

    assert rig.kinds("run1") == ["opened", "paused", "resumed", "finished"]
    assert [(e["state"], e["late"]) for e in rig.summary("2026-11-22")["entries"]] == [("drained", True)]
    assert [(e["state"], e["late"]) for e in rig.summary("2026-11-23")["entries"]] == [("done", False)]
    assert not has_open_entries(rig.store)


@pytest.mark.parametrize("code", [0, 2])
def test_evaluation_is_asked_of_the_workers_once_and_the_entry_waits_for_it(tmp_path, code):
    rig = Rig(tmp_path, then=["evaluate", "report"])
    rig.nights.look()
    rig.end_run("run1")

    for _ in range(3):
        rig.nights.look()
    waiting = rig.states()
    append_event(rig.store, "run1", "evaluated", {"exit_code": code, "message": "no truth" if code else ""})
    rig.nights.look()

    assert (waiting, rig.states()) == (["finishing"], ["done"])
    assert rig.kinds("run1") == ["opened", "finished", "evaluation_asked", "evaluated"]
    assert load_state(rig.store, "run1").with_report
    assert read_queue(rig.store).entries[0].reason == ("no truth" if code else "")


def test_deadline_of_an_entry_reaches_the_choice_of_transport(tmp_path):
    keys = {"arm_keys": "transport: auto", "batch": ['base_url: "http://127.0.0.1:9/v1"']}
    rig = Rig(tmp_path, study=keys, deadline="06:30")

    rig.nights.look()

    (choice,) = load_state(rig.store, "run1").transports.values()
    assert choice.deadline == "2026-11-23T06:30:00+00:00"
    assert rig.kinds("run1") == ["transport_chosen", "opened"]


def test_end_that_two_keepers_see_is_written_once(tmp_path):
    rig = Rig(tmp_path, nightly=True)
    seen = read_queue(rig.store).entries[0]

    for _ in range(2):
        end_entry(rig.store, seen, NIGHT, state="done", reason="", exit_code=0)

    entry = read_queue(rig.store).entries[0]
    assert (entry.state, entry.last_run_id) == ("waiting", "run1")


def test_costs_of_a_run_over_two_nights_are_told_night_by_night(tmp_path):
    rig = Rig(tmp_path)
    rig.nights.look()
    land(rig.store, "run1", lambda _: {"cost_usd": 0.5}, leave_shards=2)
    rig.nights.look()
    rig.at(MORNING)
    rig.nights.look()
    rig.nights.look()
    first = rig.summary("2026-11-22")["cost_usd"]
    rig.at(NEXT_NIGHT)
    rig.nights.look()
    land(rig.store, "run1", lambda _: {"cost_usd": 0.5})
    append_event(rig.store, "run1", "over_budget", {"message": "no"})
    rig.nights.look()
    rig.nights.look()

    second = rig.summary("2026-11-23")["entries"][0]
    assert first > 0 < second["cost_usd"]
    assert first + second["cost_usd"] == pytest.approx(second["run_cost_usd"]) == pytest.approx(12.0)
    assert (second["state"], second["exit_code"]) == ("stopped", 4)


@pytest.mark.parametrize("died", ["before the plan", "after the plan"])
def test_start_that_died_is_made_up_for_and_never_opens_a_second_run(tmp_path, monkeypatch, died):
    rig = Rig(tmp_path, dies=1 if died == "before the plan" else 0)
    if died == "after the plan":
        with monkeypatch.context() as patch:
            patch.setattr("workers.nights.start.open_run", lambda *_, **__: 0)
            rig.nights.look()
        assert load_state(rig.store, "run1").phase == "planned"
    else:
        assert rig.nights.look() == ["start"]

    assert rig.nights.look() == ["start"]
    assert rig.nights.look() == []

    assert rig.kinds("run1") == ["opened"]
    assert rig.store.names("") == ["run1"]


def test_entry_whose_planning_dies_again_and_again_is_given_up_and_the_next_begins(tmp_path):
    rig = Rig(tmp_path, n=2, dies=3)

    told = [rig.nights.look() for _ in range(5)]

    assert told == [["start"], ["start"], ["start"], ["start"], []]
    assert rig.states() == ["failed", "running"]


def test_study_that_became_wrong_fails_with_its_problem_and_the_next_begins(tmp_path):
    rig = Rig(tmp_path, n=2)
    (tmp_path / "s1" / "survey.csv").unlink()

    rig.nights.look()
    rig.nights.look()

    first = read_queue(rig.store).entries[0]
    assert (first.state, first.exit_code) == ("failed", 2)
    assert "survey" in first.reason
    assert load_state(rig.store, "run2").is_active


def test_window_that_closed_while_it_was_planned_leaves_the_run_for_the_next_night(tmp_path):
    rig = Rig(tmp_path)
    late = rig.nights.settings.model_copy()
    rig.nights.asked = []
    rig.at(MORNING)

    start(rig.store, late, "q1")

    assert load_state(rig.store, "run1").phase == "planned"
    assert rig.nights.look() == []
    rig.at(NEXT_NIGHT)
    assert rig.nights.look() == ["start"]
    assert rig.kinds("run1") == ["opened"]


def test_nightly_entry_begins_anew_and_is_compared_with_the_night_before(tmp_path):
    rig = Rig(tmp_path, nightly=True)
    runs = []
    for night in (22, 23):
        rig.at(datetime(2026, 11, night, 23, tzinfo=UTC))
        runs.append(read_queue(rig.store).entries[0].run_id)
        rig.nights.look()
        rig.end_run(runs[-1])
        rig.nights.look()
        assert [rig.nights.look(), rig.nights.look()] == [["summary"], []]  # not twice in one night

    assert len(set(runs)) == 2
    assert rig.summary("2026-11-22")["entries"][0]["drift"] is None
    drift = rig.summary("2026-11-23")["entries"][0]["drift"]
    assert (drift["against"], drift["over"]) == (runs[0], False)
    assert has_open_entries(rig.store)


def test_user_who_pauses_the_run_is_left_alone_by_the_queue(tmp_path):
    rig = Rig(tmp_path, n=2)
    rig.nights.look()
    rig.nights.look()
    append_event(rig.store, "run1", "paused", {"reason": "paused by a command"})

    assert rig.nights.look() == ["start"]
    rig.nights.look()

    assert [load_state(rig.store, f"run{i}").phase for i in (1, 2)] == ["paused", "running"]
