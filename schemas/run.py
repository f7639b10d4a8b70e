"""run.json: everything that was used to make a run, without secrets."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.models import Model
from schemas.study import Study


class PlanTotals(BaseModel):
    """Counts and estimates of a plan.

    Attributes:
        cost_usd: expected, with `cost_low_usd` and `cost_high_usd`; None if a model has no price.
        batch_requests_by_model: those of requests_by_model that go through the Batch API, at its price.
        time_s: of the online requests, at the stated quotas.
    """

    model_config = ConfigDict(frozen=True)

    n_respondents: int
    n_tasks: int
    n_requests: int
    n_shards: int
    prompt_tokens: int
    completion_tokens: int
    requests_by_model: dict[str, int] = Field(default_factory=dict)
    batch_requests_by_model: dict[str, int] = Field(default_factory=dict)
    tasks_by_arm: dict[str, int] = Field(default_factory=dict)
    cost_usd: float | None = None
    cost_low_usd: float | None = None
    cost_high_usd: float | None = None
    time_s: float = 0.0
    relaxed_examples: dict[str, int] = Field(
        default_factory=dict, description="few-shot arm -> respondents whose match was relaxed"
    )


class RunManifest(BaseModel):
    """The immutable description of a run."""

    model_config = ConfigDict(frozen=True)

    format_no: int = 1
    run_id: str
    created_at: AwareDatetime
    study: Study
    models: dict[str, Model]
    pilot: int | None = None
    hashes: dict[str, str] = Field(default_factory=dict, description="survey, study, models, plan, tasks: SHA-256")
    versions: dict[str, str] = Field(default_factory=dict)
    totals: PlanTotals
    shards_by_model: dict[str, list[int]] = Field(
        default_factory=dict, description="model -> shard numbers, in plan order"
    )
    batch_shards: dict[str, list[int]] = Field(
        default_factory=dict, description="model -> those of its shards that go through the Batch API"
    )
    simulated: bool = Field(False, description="an emulator serves at least one model")
    notes: list[str] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def online_shards(self) -> dict[str, list[int]]:
        """Model -> its shards without those that go through the Batch API."""
        return {
            model: [s for s in shards if s not in batch] if (batch := set(self.batch_shards.get(model, ()))) else shards
            for model, shards in self.shards_by_model.items()
        }
