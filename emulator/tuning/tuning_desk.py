"""All fine-tuning jobs of one emulator, and the tuned models that come of them."""

import base64
import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from emulator.config import Served
from emulator.files.shelf import Shelf
from emulator.quota import QuotaPool
from emulator.service import Service
from emulator.strikes import Strikes
from emulator.tuning import tuning_refusals
from emulator.tuning.training_results import Checkpoint, Trained
from emulator.tuning.tuning_config import TuningFaults
from emulator.tuning.tuning_job import Order, TuningJob
from emulator.tuning.tuning_work import make
from emulator.wire.targets import Target

if TYPE_CHECKING:
    from emulator.tuning.tuned_model import TunedModel

_COLUMNS = (
    "step", "train_loss", "train_mean_token_accuracy", "valid_loss", "validation_mean_token_accuracy",
    "full_valid_loss", "full_valid_mean_token_accuracy",
)  # fmt: skip
_DEPLOYABLE = 3
"""The last so many checkpoints stay deployable."""


class Tuned(NamedTuple):
    """A model id that a job made, and what stands behind it."""

    job: TuningJob
    checkpoint: Checkpoint
    model: "TunedModel"


class TuningDesk:
    """Jobs in the order of their creation. For one thread; the training itself runs in another."""

    def __init__(self, service: Service, shelf: Shelf) -> None:
        self._service = service
        self._config = service.config
        self._settings = service.config.tuning
        self._shelf = shelf
        self._time = shelf.time
        self._jobs: dict[str, TuningJob] = {}
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="training")
        self.tuned: dict[str, Tuned] = {}
        self.set_faults(service.config.tuning_faults)

    def set_faults(self, faults: TuningFaults) -> None:
        """Replace the faults; jobs already created keep theirs."""
        self.faults = faults
        self.strikes = Strikes(faults)

    def now(self) -> float:
        """The present, in service time."""
        return self._time.now()

    def create(self, order: Order) -> TuningJob:
        """Accept a job; reading and training begin at once, in another thread."""
        earlier = self.tuned.get(order.model)
        job = TuningJob(
            number=len(self._jobs) + 1,
            order=order,
            settings=self._settings,
            faults=self.faults,
            is_azure=self._config.is_azure,
            created_at=self._time.now(),
            work=self._workers.submit(make, order, self._shelf, None if earlier is None else earlier.model),
        )
        job.work.add_done_callback(lambda _: setattr(job, "ready_at", self._time.now()))
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> TuningJob | None:
        """A job as it is now."""
        self.advance()
        return self._jobs.get(job_id)

    def all(self) -> list[TuningJob]:
        """Every job as it is now, in the order of creation."""
        self.advance()
        return list(self._jobs.values())

    def delete(self, job: TuningJob) -> None:
        """Forget a job; its model stays."""
        del self._jobs[job.id]

    def advance(self) -> None:
        """Bring all jobs to the present."""
        now = self._time.now()
        n_running = sum(job.status in ("running", "pausing", "resuming") for job in self._jobs.values())
        for job in self._jobs.values():
            before = job.status
            if job.advance(now, may_run=n_running < self._settings.most_running):
                self._succeed(job)
            n_running += job.status == "running" and before not in ("running", "resuming")

    def cancel(self, job: TuningJob) -> None:
        """End a job.

        Raises:
            Refusal: it is over.
        """
        if job.is_over:
            raise tuning_refusals.wrong_state(self._config, "cancel", job.status)
        job.status, job.finished_at = "cancelled", self._time.now()
        job.tell(self._time.now(), "Fine-tuning job cancelled")

    def pause(self, job: TuningJob) -> None:
        """Interrupt a running job that has made a step.

        Raises:
            Refusal: it is not running, or has made none.
        """
        if job.status != "running" or not job.n_steps_done:
            raise tuning_refusals.wrong_state(self._config, "pause", job.status)
        now = self._time.now()
        job.status = "pausing"
        job.changes_at = now + (self._settings.pausing_s if self._config.is_azure else 0.0)
        job.advance(now, may_run=True)

    def resume(self, job: TuningJob) -> None:
        """Go on with a paused job.

        Raises:
            Refusal: it is not paused.
        """
        if job.status != "paused":
            raise tuning_refusals.wrong_state(self._config, "resume", job.status)
        now = self._time.now()
        job.status = "resuming"
        job.changes_at = now + (self._settings.pausing_s if self._config.is_azure else 0.0)
        job.tell(now, "The job was resumed")
        job.advance(now, may_run=True)

    def model_id(self, job: TuningJob, step: int | None = None) -> str:
        """What the service calls the job's model, or its checkpoint at a step."""
        suffix = job.order.suffix
        if self._config.is_azure:
            name = f"{job.order.snapshot}.ft-{job.key}" + (f"-{suffix}" if suffix else "")
        else:
            name = f"ft:{job.order.snapshot}:{self._settings.organization}:{suffix or ''}:{job.key[:8]}"
        return name if step is None else f"{name}:ckpt-step-{step}"

    def checkpoint_id(self, job: TuningJob, checkpoint: Checkpoint) -> str:
        """Model id of a checkpoint: the last one's is the job's own."""
        trained = job.trained
        assert trained is not None, "only a trained job has checkpoints"
        last = checkpoint.step == trained.checkpoints[-1].step
        return self.model_id(job, None if last else checkpoint.step)

    def checkpoints(self, job: TuningJob) -> list[Checkpoint]:
        """Checkpoints made so far that are still kept, newest first."""
        trained = job.trained
        if trained is None:
            return []
        made = [each for each in trained.checkpoints if each.step <= job.n_steps_done]
        return made[-_DEPLOYABLE:][::-1]

    def serve(self, name: str, tuned: str) -> None:
        """Let a name on the wire stand for a tuned model."""
        found = self.tuned[tuned]
        served = Served(model=found.job.order.base)
        facts = self._config.models()[served.model].model_copy(update={"snapshot": tuned})
        self._service.targets[name] = Target(
            name, served, facts, QuotaPool(self._config.limits_of(served)), found.model
        )

    def _succeed(self, job: TuningJob) -> None:
        trained, at = job.trained, job.finished_at
        assert trained is not None, "a job succeeds only once its training is done"
        assert at is not None, "and at a moment"
        for checkpoint in trained.checkpoints[-_DEPLOYABLE:]:
            name = self.checkpoint_id(job, checkpoint)
            self.tuned[name] = Tuned(job, checkpoint, checkpoint.model)
            if not self._config.is_azure:
                self.serve(name, name)
        if not job.faults.no_results:
            job.result_file = self._results(trained, in_base64=job.faults.results_base64)
        job.tell(at, f"New fine-tuned model created: {self.model_id(job)}")
        job.tell(at, "The job has successfully completed")

    def _results(self, trained: Trained, *, in_base64: bool) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for point in trained.points:
            writer.writerow(["" if value is None else value for value in point])
        data = text.getvalue().encode()
        segment = self._shelf.spool.append(base64.b64encode(data) if in_base64 else data)
        return self._shelf.add([segment], filename="step_metrics.csv", purpose="fine-tune-results").id
