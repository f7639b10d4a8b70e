"""Clocks of single processes that can be set forward and back: libfaketime, Debian package `faketime`."""

from pathlib import Path

PLACES = (
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib64/faketime/libfaketimeMT.so.1"),
)


class SteppedClock:
    """The clock of processes started with `environ`; only the time of day is stepped, as an administrator would."""

    def __init__(self, folder: Path) -> None:
        found = [place for place in PLACES if place.is_file()]
        assert found, "libfaketime is not installed: apt-get install faketime"
        self._file = folder / "clock"
        self.set(0)
        self.environ = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead_s: float) -> None:
        """From now on so many seconds ahead of the true time."""
        scratch = self._file.with_suffix(".new")
        scratch.write_text(f"{ahead_s:+.0f}s\n")
        scratch.replace(self._file)
