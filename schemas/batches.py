"""The ledger of a batch and the rounds that batches belong to: `<run>/batches/`. Written before and after every step.

packed -> uploading -> uploaded -> processed -> creating -> created -> ended -> harvested -> closed
             |                                     |
             +-- a call is under way, or was when the process died: look at the service first

packed .. creating -> abandoned -> closed      given up before there was a batch
packed, processed -> halving -> halved -> closed   the queue never takes the whole
"""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

BATCH_FORMAT = 1

BatchState = Literal[
    "packed",
    "uploading",
    "uploaded",
    "processed",
    "creating",
    "created",
    "ended",
    "harvested",
    "abandoned",
    "halving",
    "halved",
    "closed",
]

MISSING = "missing_from_batch"
"""Error code of a request that no line of a batch's files tells of."""
OVER = frozenset({"harvested", "abandoned", "halved", "closed"})
"""Nothing more will come of it; what is left is to tidy up."""
QUEUED = frozenset({"uploading", "uploaded", "processed", "creating", "created"})
"""Its tokens are booked in the queue of its pool."""


class Stored(BaseModel):
    """A form that is kept in a run's folder."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class InputFile(Stored):
    """An input file on our disk.

    Attributes:
        name: within `batches/`.
        n_max_tokens: sum of what a quota that counts maxima would book; bounds the price.
    """

    name: str
    n_lines: int
    n_bytes: int
    n_tokens: int
    n_max_tokens: int
    sha256: str


class Seen(Stored):
    """The batch as the service showed it last. Its counts are shown, never trusted. Moments: seconds since 1970."""

    status: str
    total: int | None = None
    completed: int | None = None
    failed: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class Tally(Stored):
    """Every id of a batch checked off; `n_again`: to be asked again, or at their next turn."""

    kinds: dict[str, int] = Field(default_factory=dict)
    n_sent: int = 0
    n_lines: int = 0
    n_missing: int = 0
    n_unexpected: int = 0
    n_repeated: int = 0
    n_malformed: int = 0
    n_not_executed: int = 0
    n_again: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    stop_message: str | None = None


class BatchLedger(Stored):
    """One batch.

    Attributes:
        revision: raised by every write.
        model: name in the models file; generation, round: which round of which generation it belongs to.
        at: when the state was entered; since: when the batch was created.
        key: what it is found by at the service, beside run id and number.
        deployment: name of the batch deployment; None until one was chosen.
        upload_names: every name that an upload may stand under at the service.
        dead_ids: batches of ours that came to nothing (queue full).
        reserved_usd: booked in the run's budget until `is_settled`.
        n_refused: times in a row that the queue did not take it, with nothing of ours in it.
        n_tries: calls in a row that failed, for the next wait.
        wait_until: no step before.
        search_until: while a create that may have been accepted is looked for.
        problem: the service's code if the batch came to nothing as a whole; reason: about the last trouble.
        tally: what its files said; cost_usd: of all its lines.
        turns_usd: of its answers that stand in no row yet, less what its rows hold of earlier batches' answers.
    """

    format_no: int = BATCH_FORMAT
    revision: int = 0
    number: int
    run_id: str
    model: str
    generation: int = 0
    round: int = 0
    parent: int | None = None
    children: list[int] = Field(default_factory=list)
    state: BatchState = "packed"
    end: str | None = None
    at: AwareDatetime
    since: AwareDatetime | None = None
    key: str
    file: InputFile
    deployment: str | None = None
    pool: str | None = None
    upload_names: list[str] = Field(default_factory=list)
    file_id: str | None = None
    batch_id: str | None = None
    dead_ids: list[str] = Field(default_factory=list)
    reserved_usd: float | None = None
    is_settled: bool = False
    n_refused: int = 0
    n_tries: int = 0
    wait_until: AwareDatetime | None = None
    search_until: AwareDatetime | None = None
    cancel_asked: bool = False
    seen: Seen | None = None
    problem: str = ""
    reason: str = ""
    tally: Tally | None = None
    cost_usd: float = 0.0
    turns_usd: float = 0.0

    @property
    def is_over(self) -> bool:
        """Nothing more will come of it."""
        return self.state in OVER

    @property
    def is_open(self) -> bool:
        """There is something to do or to wait for."""
        return self.state != "closed"

    @property
    def is_remote(self) -> bool:
        """A batch may exist at the service and is not harvested."""
        return self.state in {"creating", "created", "ended"}


class Round(Stored):
    """What was packed at once; written when all its input files are whole.

    Attributes:
        files: the batches begin at number `first_number`; none: nothing was left to ask.
        n_requests: in all files.
    """

    format_no: int = BATCH_FORMAT
    run_id: str
    model: str
    generation: int
    number: int
    first_number: int
    files: list[InputFile]
    n_requests: int
    at: AwareDatetime

    @property
    def numbers(self) -> list[int]:
        """Its batches, halves not included."""
        return list(range(self.first_number, self.first_number + len(self.files)))
