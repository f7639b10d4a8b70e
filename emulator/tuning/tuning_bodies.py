"""Fine-tuning jobs, events, checkpoints and deployments as JSON, in the spelling of each profile."""

from typing import Any

from emulator.config import EmulatorConfig
from emulator.tuning.training_results import Checkpoint
from emulator.tuning.tuning_desk import TuningDesk
from emulator.tuning.tuning_job import Event, TuningJob, metrics_of


def job_object(config: EmulatorConfig, desk: TuningDesk, job: TuningJob) -> dict[str, Any]:
    """A job."""
    order, failed, succeeded = job.order, job.failure, job.status == "succeeded"
    settings = _settings(config, job)
    body: dict[str, Any] = {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created_at),
        "model": order.model,
        "status": job.status,
        "training_file": order.training_file,
        "validation_file": order.validation_file,
        "hyperparameters": settings,
        "fine_tuned_model": desk.model_id(job) if succeeded else None,
        "finished_at": None if job.finished_at is None else int(job.finished_at),
        "result_files": [] if job.result_file is None else [job.result_file],
        "seed": order.seed,
        "error": None if failed is None else failed._asdict(),
    }
    trained = job.trained if succeeded else None
    body["trained_tokens"] = None if trained is None or config.is_azure else trained.n_tokens
    if config.profile == "azure":
        body |= {"suffix": order.suffix, "method": {"type": "supervised", "supervised": {"hyperparameters": settings}}}
        return body
    body |= {
        "organization_id": None if config.is_azure else "org-emulator",
        "estimated_finish": None,
        "integrations": [],
        "user_provided_suffix": order.suffix,
        "metadata": order.metadata,
        "method": {"type": "supervised", "supervised": {"hyperparameters": settings}},
    }
    if config.is_azure:
        body |= {"suffix": order.suffix, "trainingType": order.training_type}
        body["result_files"] = body["result_files"] or None
    return body


def event_object(event: Event) -> dict[str, Any]:
    """An event."""
    return {
        "id": event.id,
        "object": "fine_tuning.job.event",
        "created_at": int(event.at),
        "level": event.level,
        "message": event.message,
        "type": event.kind,
        "data": event.data,
    }


def checkpoint_object(desk: TuningDesk, job: TuningJob, checkpoint: Checkpoint, *, at: float) -> dict[str, Any]:
    """A checkpoint."""
    return {
        "id": f"ftchkpt-{job.key[:24]}{checkpoint.step:08d}",
        "object": "fine_tuning.job.checkpoint",
        "created_at": int(at),
        "fine_tuned_model_checkpoint": desk.checkpoint_id(job, checkpoint),
        "fine_tuning_job_id": job.id,
        "step_number": checkpoint.step,
        "metrics": metrics_of(checkpoint.point),
    }


def _settings(config: EmulatorConfig, job: TuningJob) -> dict[str, Any]:
    made = job.work.result() if job.work.done() and not job.work.exception() else None
    if made is not None and made.settings is not None:
        return made.settings._asdict()
    names = ("n_epochs", "batch_size", "learning_rate_multiplier")
    if config.is_azure:
        return {name: job.order.asked.get(name, -1) if job.order.asked.get(name) != "auto" else -1 for name in names}
    return {name: job.order.asked.get(name, "auto") for name in names}
