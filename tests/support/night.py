"""A rehearsed night: three studies in the queue, a clock that jumps, and everything else real."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import main
from schemas.overnight import OvernightQueue
from tests.support.fleet import Fleet
from tests.support.studies import write_study
from tests.support.until import until
from workers.nights.clock import set_rehearsal
from workers.nights.entries import read_queue
from workers.nights.morning import summary_path

REPO = Path(__file__).resolve().parents[2]
WINDOW = ("--window", "22:00-06:30", "--timezone", "America/New_York", "--deadline", "06:30")


def local(text: str) -> datetime:
    """A moment of New York's winter, as in 2026-11-22T22:00."""
    return datetime.fromisoformat(f"{text}-05:00").astimezone(UTC)


@dataclass
class NightRig:
    """A fleet whose queue asks a rehearsal's clock."""

    fleet: Fleet
    clock: Path

    def at(self, text: str, speed: float = 60.0) -> None:
        """Let the clock go on from a local moment; a minute a second unless said otherwise."""
        set_rehearsal(self.clock, local(text), speed)

    def study(self, name: str, **options: Any) -> Path:
        """A study of its own folder."""
        url = options.pop("url", self.fleet.emulator.base_url)
        return write_study(self.fleet.folder / name, url, name=name, salt=name, **options)

    def command(self, *arguments: object) -> None:
        """A command that must end well."""
        assert main.run([str(argument) for argument in arguments]) == 0

    def queue(self) -> OvernightQueue:
        """The queue now."""
        return read_queue(self.fleet.store)

    def states(self) -> dict[str, str]:
        """Study -> state."""
        return {entry.name: entry.state for entry in self.queue().entries}

    def until_state(self, name: str, state: str, deadline_s: float = 200) -> None:
        """Wait for an entry."""
        until(
            lambda: self.states()[name] == state, deadline_s=deadline_s, interval_s=0.2,
            what=f"{name} to be {state}",
        )  # fmt: skip

    def summary(self, night: str) -> dict[str, Any]:
        """The morning summary, once it is there."""
        rel = summary_path(night)
        until(lambda: self.fleet.store.exists(rel), deadline_s=200, interval_s=0.2, what=f"summary of {night}")
        document: dict[str, Any] = json.loads(self.fleet.store.read_bytes(rel))
        return document


def rig_of(fleet: Fleet, monkeypatch: Any) -> NightRig:
    """A rig on a fleet without workers yet; commands in this process see the same store, server and clock."""
    clock = fleet.folder / "clock.json"
    fleet.environ |= {"NIGHTPOLL_NIGHT_CLOCK": str(clock), "PYTHONPATH": str(REPO)}
    for name, value in fleet.environ.items():
        monkeypatch.setenv(name, value)
    return NightRig(fleet, clock)
