"""The one clock that the overnight queue asks. It can be told to run faster, for rehearsals (docs/design/nights.md)."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.errors import SettingsError
from schemas.settings import Settings


class NightClock:
    """The time of the night.

    Args:
        rehearsal: JSON file with `start` (ISO 8601, aware), `anchor_s` (UNIX time at which it was `start`) and
            `speed`; read anew at every look, so that a rehearsal may also jump. None: the true time.
    """

    def __init__(self, rehearsal: Path | None = None) -> None:
        self._rehearsal = rehearsal

    @classmethod
    def of(cls, settings: Settings) -> "NightClock":
        """The clock of a process."""
        return cls(settings.night_clock)

    def now(self) -> datetime:
        """Now, UTC.

        Raises:
            SettingsError: the file of the rehearsal cannot be read.
        """
        if self._rehearsal is None:
            return datetime.now(UTC)
        try:
            told = json.loads(self._rehearsal.read_bytes())
            start = datetime.fromisoformat(told["start"]).astimezone(UTC)
            return start + timedelta(seconds=(time.time() - float(told["anchor_s"])) * float(told["speed"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError("the rehearsal's clock cannot be read.", where="NIGHTPOLL_NIGHT_CLOCK") from error


def set_rehearsal(path: Path, start: datetime, speed: float) -> None:
    """Let a rehearsal's clock go on from `start` at so many seconds a second."""
    scratch = path.with_name(f".{path.name}")
    told = {"start": start.isoformat(), "anchor_s": time.time(), "speed": speed}
    scratch.write_text(json.dumps(told), encoding="utf-8")
    scratch.replace(path)
