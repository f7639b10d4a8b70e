"""One fine-tuning job: its states as time goes by, its events, its checkpoints."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from emulator.tuning.training_file import LineError
from emulator.tuning.training_results import Hyperparameters, Point, Trained
from emulator.tuning.tuning_config import TuningFaults, TuningSettings

OVER = ("succeeded", "failed", "cancelled")


class Event(NamedTuple):
    """Something that happened to a job."""

    id: str
    at: float
    level: str
    message: str
    kind: str
    data: dict[str, Any]


class Failure(NamedTuple):
    """Why a job failed."""

    code: str
    message: str
    param: str | None


@dataclass(frozen=True)
class Order:
    """A valid create request.

    Attributes:
        model: as asked; a base model or one tuned before.
        base: id in the catalogue of what it comes from.
        snapshot: the base model's full id.
        asked: hyperparameters as asked.
        is_completion: the base model takes prompts, and is trained on prompts and completions.
    """

    model: str
    base: str
    snapshot: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    asked: dict[str, Any]
    method: dict[str, Any] | None
    metadata: dict[str, str] | None
    training_type: str | None
    is_completion: bool = False


@dataclass(frozen=True)
class Made:
    """What reading the files and training on them gave; errors: nothing was trained."""

    errors: tuple[LineError, ...] = ()
    param: str = "training_file"
    settings: Hyperparameters | None = None
    trained: Trained | None = None


@dataclass
class TuningJob:
    """A job. `work` trains in another thread from its creation on; states follow the clock, and wait for `work`.

    Attributes:
        ready_at: when `work` was done, in service time.
        progress_s: seconds of running done before `resumed_at`.
        n_told: points of the curve already told as events.
    """

    number: int
    order: Order
    settings: TuningSettings
    faults: TuningFaults
    is_azure: bool
    created_at: float
    work: "Future[Made]"
    id: str = field(default_factory=lambda: f"ftjob-{uuid4().hex}")
    key: str = field(default_factory=lambda: uuid4().hex)
    status: str = ""
    changes_at: float = 0.0
    ready_at: float = 0.0
    resumed_at: float = 0.0
    progress_s: float = 0.0
    n_told: int = 0
    finished_at: float | None = None
    failure: Failure | None = None
    result_file: str | None = None
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.status = "pending" if self.is_azure else "validating_files"
        self.changes_at = self.created_at + self.settings.validating_s
        self.tell(self.created_at, f"Created fine-tuning job: {self.id}")
        self.tell(self.created_at, f"Validating training file: {self.order.training_file}")

    @property
    def is_over(self) -> bool:
        """It will not change any more."""
        return self.status in OVER

    @property
    def trained(self) -> Trained | None:
        """What was trained, once it is there."""
        return self.work.result().trained if self.work.done() else None

    @property
    def n_steps_done(self) -> int:
        """Last step told."""
        trained = self.trained
        return trained.points[self.n_told - 1].step if trained is not None and self.n_told else 0

    def tell(self, at: float, message: str, *, level: str = "info", point: Point | None = None) -> None:
        """Add an event."""
        kind, data = ("message", {}) if point is None else ("metrics", metrics_of(point))
        at = max(at, self.events[-1].at) if self.events else at
        self.events.append(Event(f"ftevent-{uuid4().hex}", at, level, message, kind, data))

    def fail(self, at: float, failure: Failure) -> None:
        """End in failure."""
        self.failure, self.status, self.finished_at = failure, "failed", at
        self.tell(at, failure.message, level="error")

    def advance(self, now: float, *, may_run: bool) -> bool:
        """Bring the job to the present; returns whether it has just succeeded."""
        if self.status in ("validating_files", "pending", "queued"):
            self._wait(now, may_run=may_run)
        if self.status == "resuming" and now >= self.changes_at:
            self.status, self.resumed_at = "running", self.changes_at
        if self.status in ("running", "pausing"):
            return self._run(now)
        return False

    def _wait(self, now: float, *, may_run: bool) -> None:
        if now < self.changes_at or not self.work.done():
            return
        made = self.work.result()
        if made.errors:
            text = f"The job failed due to an invalid {made.param.replace('_', ' ')}. "
            self.fail(now, Failure(f"invalid_{made.param}", text + " ".join(map(str, made.errors)), made.param))
            return
        if self.status == "validating_files":
            self.tell(now, "Files validated, moving job to queued state")
            self.status = "queued"
        validated_at = max(self.changes_at, self.ready_at)
        queued_until = validated_at + self.settings.queued_s + self.faults.stuck_queued_s
        if now >= queued_until and may_run:
            self.status, self.resumed_at = "running", queued_until
            self.tell(queued_until, "Fine-tuning job started")

    def _run(self, now: float) -> bool:
        trained = self.trained
        assert trained is not None, "a job runs only once its training is done"
        until = min(now, self.changes_at) if self.status == "pausing" else now
        done_s = self.progress_s + max(0.0, until - self.resumed_at)
        share = 1.0 if self.settings.running_s == 0 else min(1.0, done_s / self.settings.running_s)
        self._tell_points(trained, share)
        if self.status == "pausing" and now >= self.changes_at:
            self.status, self.progress_s = "paused", done_s
            self.tell(self.changes_at, "The job was paused")
            return False
        if share < 1.0 or self.status != "running":
            return False
        self.finished_at = self.resumed_at + max(0.0, self.settings.running_s - self.progress_s)
        if self.faults.failed_after_training is not None:
            text = "The model did not pass the safety evaluations that follow the training."
            self.fail(self.finished_at, Failure(self.faults.failed_after_training, text, None))
            return False
        self.status = "succeeded"
        return True

    def _tell_points(self, trained: Trained, share: float) -> None:
        due = int(share * len(trained.points))
        n_steps = trained.points[-1].step
        ends = {checkpoint.step for checkpoint in trained.checkpoints}
        while self.n_told < due:
            point = trained.points[self.n_told]
            self.n_told += 1
            offset_s = self.settings.running_s * self.n_told / len(trained.points) - self.progress_s
            at = self.resumed_at + max(0.0, offset_s)
            loss = f"Step {point.step}/{n_steps}: training loss={point.train_loss:.2f}"
            more = "" if point.valid_loss is None else f", validation loss={point.valid_loss:.2f}"
            self.tell(at, loss + more, point=point)
            if point.step in ends and point.step != n_steps:
                self.tell(at, f"Checkpoint created at step {point.step}")


def metrics_of(point: Point) -> dict[str, Any]:
    """Figures of a point by the services' names, those that are known."""
    named = {
        "step": point.step,
        "train_loss": point.train_loss,
        "train_mean_token_accuracy": point.train_accuracy,
        "valid_loss": point.valid_loss,
        "valid_mean_token_accuracy": point.valid_accuracy,
        "full_valid_loss": point.full_valid_loss,
        "full_valid_mean_token_accuracy": point.full_valid_accuracy,
    }
    return {name: value for name, value in named.items() if value is not None}
