"""The overnight queue: entries in their order, what each of them did in which night."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import FormatError, StoreError
from schemas.run_paths import PRIVATE
from schemas.window import Window, clock_time, in_night, night_of

FORMAT_NO: Literal[1] = 1
QUEUE_DIR = f"{PRIVATE}/queue"
"""Revisions of the queue (storage/revisions.py)."""
NIGHTS_DIR = f"{PRIVATE}/nights"
"""Morning summaries and the locks of what prepares and finishes entries."""
MOST_NIGHTS = 60
"""Nights that an entry remembers."""

WINDOW_ENDED = "The window of the overnight queue has ended; the run goes on when it opens again."
HELD = "The entry of the overnight queue was paused."
BY_QUEUE = (WINDOW_ENDED, HELD)
"""Reasons of pauses that the queue itself may take back."""

EntryState = Literal["waiting", "running", "drained", "finishing", "done", "stopped", "failed"]
"""drained: interrupted by the window's end; stopped: budget, service or environment; failed: it could not be opened."""
Then = Literal["evaluate", "report"]


class Night(BaseModel):
    """What an entry did in one night.

    Attributes:
        night: day on which it began, from noon to noon in the entry's zone.
        run_id: the run that was worked on.
        ended: how it stood when it rested: done, drained, stopped, failed; "" while it works.
        late: not done at its deadline.
        previous: the finished run that this one is compared with.
    """

    model_config = ConfigDict(frozen=True)

    night: date
    run_id: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    ended: str = ""
    late: bool = False
    previous: str | None = None


class QueueEntry(BaseModel):
    """One study in the queue.

    Attributes:
        study: absolute path of the study file; `name` is what it calls itself.
        run_id: of its run, fixed before the run is started, so that it can never be started twice.
        deadline: local time of day of its nights, HH:MM, or one moment, ISO with its offset.
        nightly: begins again every night, with answers bought anew, and is compared with the night before.
        last_run_id: the finished run before, of a nightly entry.
        held: paused by a user.
        attempts: starts in a row that died without a word.
        exit_code: what a command that followed the run would have returned.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    study: str
    name: str
    models: str | None = None
    run_id: str
    added_at: AwareDatetime
    window: Window | None = None
    then: list[Then] = Field(default_factory=list)
    deadline: str | None = None
    pilot: int | None = None
    fresh: bool = False
    nightly: bool = False
    last_run_id: str | None = None
    not_before: AwareDatetime | None = None
    held: bool = False
    state: EntryState = "waiting"
    attempts: int = 0
    reason: str = ""
    exit_code: int = 0
    nights: list[Night] = Field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Something is left to do, now or in another night."""
        return self.state in ("waiting", "running", "drained", "finishing")

    @property
    def timezone(self) -> str:
        """Zone of its nights."""
        return "UTC" if self.window is None else self.window.timezone

    def may_work(self, now: datetime) -> bool:
        """Its window is open, its turn has come and nobody holds it."""
        if self.held or (self.not_before is not None and now < self.not_before):
            return False
        return self.window is None or self.window.current(now) is not None

    def opens_next(self, now: datetime) -> datetime | None:
        """When it may work again if it may not now; None if never by itself."""
        if self.held:
            return None
        begin = now if self.not_before is None else max(now, self.not_before)
        if self.window is None:
            return begin
        return begin if self.window.current(begin) is not None else self.window.next_after(begin).opens

    def deadline_at(self, began_at: datetime) -> datetime | None:
        """Its deadline in the night that a moment belongs to."""
        if self.deadline is None:
            return None
        if "T" in self.deadline:
            return datetime.fromisoformat(self.deadline)
        night = night_of(began_at, self.timezone)
        return in_night(night, clock_time(self.deadline), self.timezone)


class OvernightQueue(BaseModel):
    """All entries, in the order in which they are taken.

    Attributes:
        told: night -> entries whose work in that night has been summed up.
        n_added: entries ever added: numbers are not given again, so that a name never means another entry.
    """

    model_config = ConfigDict(frozen=True)

    format_no: Literal[1] = FORMAT_NO
    entries: list[QueueEntry] = Field(default_factory=list)
    told: dict[str, list[str]] = Field(default_factory=dict)
    n_added: int = 0

    def entry(self, entry_id: str) -> QueueEntry | None:
        """An entry by its id."""
        return next((entry for entry in self.entries if entry.id == entry_id), None)

    def replaced(self, entry_id: str, **fields: object) -> "OvernightQueue":
        """The queue with fields of one entry changed; unchanged if it is gone."""
        entries = [e.model_copy(update=fields) if e.id == entry_id else e for e in self.entries]
        return self.model_copy(update={"entries": entries})


def queue_of(document: dict[str, Any], where: str) -> OvernightQueue:
    """A queue from its document; an empty one from none.

    Raises:
        FormatError: another format. StoreError: damaged.
    """
    if document and document.get("format_no") != FORMAT_NO:
        raise FormatError(
            f"format {document.get('format_no')!r} of the overnight queue is not {FORMAT_NO}.",
            where=where, hint="Use the nightpoll version that wrote it.",
        )  # fmt: skip
    try:
        return OvernightQueue.model_validate(document)
    except ValidationError as e:
        raise StoreError(f"the overnight queue is damaged: {e.error_count()} fields do not fit.", where=where) from e
