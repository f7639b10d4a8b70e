"""One nameless file that holds the contents of all stored files; nothing of it outlives the process."""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_CHUNK_BYTES = 1 << 20


class Segment(NamedTuple):
    """A stretch of the spool."""

    start: int
    length: int


class Spool:
    """Append-only bytes on disk. Appending is for one thread, reading for any."""

    def __init__(self) -> None:
        self._fd, name = tempfile.mkstemp(prefix="emulator-spool-")
        Path(name).unlink()
        self._end = 0
        weakref.finalize(self, os.close, self._fd)

    def append(self, data: bytes | memoryview) -> Segment:
        """Keep these bytes."""
        segment = Segment(self._end, len(data))
        view = memoryview(data)
        while view:
            written = os.pwrite(self._fd, view, self._end)
            self._end += written
            view = view[written:]
        return segment

    def read(self, segment: Segment) -> bytes:
        """The bytes of one stretch."""
        return os.pread(self._fd, segment.length, segment.start)

    def chunks(self, segments: Iterable[Segment]) -> Iterator[bytes]:
        """The bytes of many stretches, in pieces of a megabyte at most where a stretch is longer."""
        for start, length in segments:
            for at in range(start, start + length, _CHUNK_BYTES):
                yield os.pread(self._fd, min(_CHUNK_BYTES, start + length - at), at)

    def lines(self, segment: Segment) -> Iterator[tuple[Segment, bytes]]:
        """Lines of one stretch without their line feeds, and where each lies."""
        at, rest = segment.start, b""
        for chunk in self.chunks([segment]):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield Segment(at, len(line)), line
                at += len(line) + 1
        if rest:
            yield Segment(at, len(rest)), rest

    def copy(self, other: "Spool", segments: Iterable[Segment]) -> Segment:
        """Append stretches of another spool as one."""
        start = self._end
        for chunk in other.chunks(segments):
            self.append(chunk)
        return Segment(start, self._end - start)
