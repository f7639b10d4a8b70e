"""What fine-tuning keeps: the manifest of training files, the ledger of a job, the versions of a registered model."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.models import Model

FORMAT_NO = 1
TrainingForm = Literal["chat", "completion"]
JobState = Literal[
    "preparing", "pending", "running", "pausing", "paused", "resuming", "succeeded", "failed", "cancelled"
]
ENDED: tuple[JobState, ...] = ("succeeded", "failed", "cancelled")

HELD_S = 2400.0
"""A command on another machine that has not written for so long does not submit its job any more."""

ACCURACY, LOG_LOSS, TOTAL_VARIATION = "accuracy", "log loss", "total variation"
"""Measures that a promotion rests on: the first, and the second with and without probabilities."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WrittenFile(_Kept):
    """A training or validation file."""

    name: str
    sha256: str
    n_lines: int
    n_bytes: int


class TuningManifest(_Kept):
    """Proof of what a model was trained on.

    Attributes:
        training_ids, validation_ids: respondents whose answers stand in the files; none of them is a test respondent,
            unless the study splits by row.
        split_by: what the study splits.
        test_sha256: of the sorted ids of the test respondents, so that a later study can be compared.
        counts: question -> answer as written -> lines of the training file.
        n_without_earlier: answers left out because an earlier one of the same conversation is missing.
        entry_name: of the models file, whose model the arm asks; `model` is its id, `window_tokens` its window.
        month_usd: the study's bound on a month's bill, which the training counts in.
    """

    format_no: int = FORMAT_NO
    study: str
    arm: str
    form: TrainingForm
    seed: int
    plan_sha256: str
    survey_sha256: str
    created_at: AwareDatetime
    training: WrittenFile
    validation: WrittenFile | None
    training_ids: list[str]
    validation_ids: list[str]
    test_sha256: str
    n_test: int
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    n_duplicates: int = 0
    n_without_answer: int = 0
    n_without_earlier: int = 0
    balanced: bool = False
    split_by: Literal["respondent", "row"] = "respondent"
    entry_name: str | None = None
    model: str | None = None
    window_tokens: int | None = None
    month_usd: float | None = None


class AskedOnce(_Kept):
    """A call that looked whether a deployment answers, with what it cost."""

    at: AwareDatetime
    usd: float


class DeployedAt(_Kept):
    """A deployment of a tuned model.

    Attributes:
        since: when it was asked for.
        begun: asked for, and not seen to be there yet; it is billed for all that is known.
        account: resource id of where it is; "" as the job's entry says.
        asked: calls of `deploy`, which are no run's.
    """

    name: str
    sku: str
    capacity: int
    since: AwareDatetime
    until: AwareDatetime | None = None
    usd_per_hour: float | None = None
    begun: bool = False
    account: str = ""
    asked: list[AskedOnce] = Field(default_factory=list)


class TuningLedger(_Kept):
    """One job as far as it is known. Every step is written before it is taken, and again when it is done.

    Attributes:
        key: of what is trained on what; names the uploads, so that they are found again.
        entry: models file entry of the base model, without secrets.
        model: base model's id on the wire, or a tuned one to go on from.
        intent: step that was begun and not seen to end: upload_training, upload_validation, create.
        holder: host and process id of the command that is submitting it.
        held_at: when its holder last wrote.
        manifest: id of the manifest in the store; None for files made elsewhere.
        unproven: why nothing proves which respondents the model has seen; "" if it is proven.
        checkpoints: step -> model id, as far as told.
        bought_at: when the job was created, which is the month that its training counts in.
    """

    format_no: int = FORMAT_NO
    key: str
    entry_name: str
    entry: Model
    model: str
    suffix: str | None = None
    seed: int | None = None
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    manifest: str | None = None
    created_at: AwareDatetime
    intent: str | None = None
    holder: str | None = None
    held_at: AwareDatetime | None = None
    unproven: str = ""
    training_file: str | None = None
    validation_file: str | None = None
    job_id: str | None = None
    state: JobState = "preparing"
    tuned_model: str | None = None
    trained_tokens: int | None = None
    estimated_usd: float | None = None
    result_files: list[str] = Field(default_factory=list)
    error: str | None = None
    checkpoints: dict[int, str] = Field(default_factory=dict)
    deployments: list[DeployedAt] = Field(default_factory=list)
    simulated: bool = False
    seen_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    bought_at: AwareDatetime | None = None


VersionState = Literal["candidate", "live", "retired"]


class ModelVersion(_Kept):
    """A version of a registered model.

    Attributes:
        entry: what a run calls: the base entry with the tuned model's id and deployment, without secrets.
        job: key of its ledger.
        evaluation: figures that its promotion rests on.
    """

    version: str
    state: VersionState = "candidate"
    model: str
    base: str
    entry: Model
    job: str
    manifest: str | None = None
    unproven: str = ""
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    cost_usd: float | None = None
    simulated: bool = False
    evaluation: dict[str, Any] = Field(default_factory=dict)
    reason: str = ""
    added_at: AwareDatetime
    promoted_at: AwareDatetime | None = None


class RegisteredModel(_Kept):
    """A name and its versions.

    Attributes:
        rollout: version and share of respondents that it answers for beside the live one.
        previous: version that was live before, for a rollback.
    """

    versions: list[ModelVersion] = Field(default_factory=list)
    previous: str | None = None
    rollout: tuple[str, float] | None = None

    def live(self) -> ModelVersion | None:
        """The version in service."""
        return next((v for v in self.versions if v.state == "live"), None)

    def version(self, name: str) -> ModelVersion | None:
        """A version by its name."""
        return next((v for v in self.versions if v.version == name), None)


class Registry(_Kept):
    """All registered models."""

    format_no: int = FORMAT_NO
    models: dict[str, RegisteredModel] = Field(default_factory=dict)
