"""One batch: its states and when it passes from one to the next. No clock, no file, no work in here."""

from dataclasses import dataclass, field
from math import floor, inf

from emulator.answering.answers import Usage
from emulator.batches.batch_faults import BatchFaults
from emulator.batches.batch_input import Examined, InputError
from emulator.files.spool import Segment

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
NO_USAGE = Usage(0, 0, 0, 0)


@dataclass(frozen=True)
class Timetable:
    """When what happens to a batch that nobody cancels; service time.

    Attributes:
        fails_at, failure: it fails then, for this reason; None: it does not.
        validated_at: its input has been read.
        work_ends_at: the last line of `n_lines` is done.
        n_lines: lines that will be worked off.
        final_at: finalizing ends.
        outcome: completed or expired.
    """

    fails_at: float | None
    failure: tuple[InputError, ...]
    validated_at: float
    work_ends_at: float
    n_lines: int
    final_at: float
    outcome: str

    def due_lines(self, now: float) -> int:
        """Lines that should be done by now."""
        if now >= self.work_ends_at:
            return self.n_lines
        return max(0, floor(self.n_lines * (now - self.validated_at) / (self.work_ends_at - self.validated_at)))


@dataclass
class Job:
    """A batch.

    Attributes:
        number: of the create, from 1.
        stamps: state -> when it was entered, for states past validating.
        reserved_tokens: count against the queued-token limit until the batch is over.
        listed_at: appears in lists from then on.
        output, errors: lines of the two files with the key that they are shuffled by.
        n_done: lines worked off; n_failed of them with an error.
    """

    id: str
    number: int
    input_file_id: str
    endpoint: str
    metadata: dict[str, str] | None
    output_expires_after_s: float | None
    created_at: float
    expires_at: float
    examined: Examined
    timetable: Timetable
    faults: BatchFaults
    reserved_tokens: int
    listed_at: float
    status: str = "validating"
    stamps: dict[str, float] = field(default_factory=dict)
    failure: tuple[InputError, ...] = ()
    output: list[tuple[float, Segment]] = field(default_factory=list)
    errors: list[tuple[float, Segment]] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    n_done: int = 0
    n_failed: int = 0
    usage: Usage = NO_USAGE
    cancelled_at: float = inf

    @property
    def is_over(self) -> bool:
        """Completed, failed, expired or cancelled."""
        return self.status in TERMINAL

    @property
    def due_at(self) -> float:
        """The next moment at which something changes, lines of work aside."""
        table = self.timetable
        if self.status == "validating":
            return min(table.validated_at, inf if table.fails_at is None else table.fails_at)
        if self.status == "in_progress":
            return table.work_ends_at
        return self.cancelled_at if self.status == "cancelling" else table.final_at

    def enter(self, status: str, at: float) -> None:
        """Pass to a state."""
        self.status = status
        self.stamps[status] = at
        if self.is_over:
            self.reserved_tokens = 0

    def step(self, now: float) -> bool:
        """Pass to the next state if it is due; True if it was. Lines have to be worked off by then.

        The files of the result are not made here: they are due when a terminal state was entered.
        """
        if self.is_over or now < self.due_at:
            return False
        if self.status == "validating":
            self._end_validation()
        elif self.status == "in_progress":
            if self.n_done < self.timetable.n_lines:
                return False
            self.enter("finalizing", self.timetable.work_ends_at)
        elif self.status == "finalizing":
            self.enter(self.timetable.outcome, self.timetable.final_at)
        else:
            self.enter("cancelled", self.cancelled_at)
        return True

    def _end_validation(self) -> None:
        table = self.timetable
        if table.fails_at is not None and table.fails_at <= table.validated_at:
            self.failure = table.failure
            self.enter("failed", table.fails_at)
        else:
            self.enter("in_progress", table.validated_at)


def timetable(
    examined: Examined,
    *,
    created_at: float,
    deadline_at: float,
    validating_s: float,
    working_s: float,
    finalizing_s: float,
    faults: BatchFaults,
    token_failure: InputError | None,
) -> Timetable:
    """Plan a batch.

    Args:
        examined: its input.
        created_at: service time.
        deadline_at: it expires then at the latest; infinite: never.
        validating_s: of the emulator, faults not included.
        working_s: likewise.
        finalizing_s: likewise.
        faults: of this batch.
        token_failure: the queued-token limit that it will fail at; None: it fits.
    """
    failure = (token_failure,) if token_failure is not None else examined.errors
    validated_at = created_at + validating_s + faults.validating_s
    fails_at = validated_at if failure else None
    if faults.failed is not None:
        failure = (InputError(faults.failed, _why(faults.failed), None),)
        fails_at = created_at + faults.failed_after_s
        validated_at = max(validated_at, fails_at)
    n_lines = len(examined.lines)
    whole = n_lines
    if faults.expired_share is not None:
        n_lines = floor(n_lines * faults.expired_share)
    work_ends_at = validated_at + (working_s * n_lines / whole if whole else 0.0)
    if work_ends_at + finalizing_s > deadline_at:
        ends_at = max(validated_at, deadline_at)
        share = max(0.0, deadline_at - validated_at) / working_s if working_s > 0 else 0.0
        n_lines, work_ends_at = min(n_lines, floor(whole * share)), ends_at
    expires = n_lines < whole
    final_at = work_ends_at + finalizing_s + faults.finalizing_s
    return Timetable(
        fails_at, failure, validated_at, work_ends_at, n_lines, final_at, "expired" if expires else "completed"
    )


def _why(code: str) -> str:
    if code == "token_limit_exceeded":
        return "Enqueued token limit reached. Please try again once some in_progress batches have been completed."
    return "The batch could not be processed."
