"""Stored files: uploads and the results of batches, with their states and expiry."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from uuid import uuid4

from emulator.files.spool import Segment, Spool
from emulator.service_time import ServiceTime

DAY_S = 86_400
OPENAI_FILE_LIFE_S = 30 * DAY_S
"""Of files of batches in profile openai; on Azure they stay."""


@dataclass(frozen=True)
class StoredFile:
    """One file.

    Attributes:
        segments: of the shelf's spool.
        created_at, processed_at, expires_at: service time; expires_at None: never.
        is_broken: ends in status error instead of processed.
    """

    id: str
    filename: str
    purpose: str
    segments: tuple[Segment, ...]
    created_at: float
    processed_at: float
    expires_at: float | None
    is_broken: bool = False

    @property
    def n_bytes(self) -> int:
        """Size."""
        return sum(segment.length for segment in self.segments)

    def status(self, now: float) -> str:
        """pending, processed or error."""
        if now < self.processed_at:
            return "pending"
        return "error" if self.is_broken else "processed"


class Shelf:
    """All files of one emulator."""

    def __init__(self, time: ServiceTime) -> None:
        self.spool = Spool()
        self.time = time
        self.n_uploads = 0
        self.n_deleted = 0
        self._files: dict[str, StoredFile] = {}

    def add(
        self,
        segments: Iterable[Segment],
        *,
        filename: str,
        purpose: str,
        pending_s: float = 0.0,
        expires_after_s: float | None = None,
        is_broken: bool = False,
    ) -> StoredFile:
        """Keep a file whose bytes lie in the spool."""
        now = self.time.now()
        expires_at = None if expires_after_s is None else now + expires_after_s
        name, kept = f"file-{uuid4().hex}", tuple(segments)
        file = StoredFile(name, filename, purpose, kept, now, now + pending_s, expires_at, is_broken)
        self._files[name] = file
        return file

    def find(self, file_id: str) -> StoredFile | None:
        """A file that has neither been deleted nor expired."""
        file = self._files.get(file_id)
        return file if file is not None and not self._is_over(file) else None

    def delete(self, file_id: str) -> bool:
        """Take a file away; False: there was none."""
        if self.find(file_id) is None:
            return False
        del self._files[file_id]
        self.n_deleted += 1
        return True

    def all(self, purpose: str | None = None) -> list[StoredFile]:
        """Files in order of arrival."""
        return [
            file
            for file in self._files.values()
            if not self._is_over(file) and (purpose is None or file.purpose == purpose)
        ]

    def _is_over(self, file: StoredFile) -> bool:
        return self.time.now() >= (inf if file.expires_at is None else file.expires_at)
