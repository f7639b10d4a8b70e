"""run.json: everything that was used to make a run, without secrets."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.decisions import TransportChoice
from schemas.models import Model
from schemas.study import Arm, Study


class ArmLoad(BaseModel):
    """What the requests of an arm add up to; one that several arms share counts for the first of them.

    Attributes:
        arm: its name; model: name in the models file.
        transport: online, batch, or auto while that is open.
        low_tokens: of all answers if they are terse; expected_tokens, high_tokens likewise.
        max_tokens: what a quota that counts maxima books.
        margin: share by which the prompt count may be short.
    """

    model_config = ConfigDict(frozen=True)

    arm: str
    model: str
    transport: str
    n_requests: int = 0
    n_later_calls: int = 0
    prompt_tokens: int = 0
    low_tokens: int = 0
    expected_tokens: int = 0
    high_tokens: int = 0
    max_tokens: int = 0
    margin: float = 0.0


class PlanTotals(BaseModel):
    """Counts and estimates of a plan.

    Attributes:
        cost_usd: expected, with `cost_low_usd` and `cost_high_usd`; None if a model has no price.
        batch_requests_by_model: those of requests_by_model that go through the Batch API, at its price.
        time_s: of the online requests, at the stated quotas.
        loads: what is still to be chosen counts as online in cost and time.
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
    loads: list[ArmLoad] = Field(default_factory=list)
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
    auto_shards: dict[str, list[int]] = Field(
        default_factory=dict, description="model -> those whose transport is chosen when the run opens"
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

    def placed(self, choices: Mapping[str, TransportChoice]) -> "RunManifest":
        """The same with what was left open as it was chosen; what nobody chose is online."""
        batched = {name for name, choice in choices.items() if choice.transport == "batch"}
        shards = dict(self.batch_shards)
        for name in sorted(batched & set(self.auto_shards)):
            shards[name] = sorted([*shards.get(name, []), *self.auto_shards[name]])
        arms = {
            name: _placed(arm, shards, choices) if arm.transport == "auto" else arm
            for name, arm in self.study.arms.items()
        }
        return self.model_copy(
            update={"batch_shards": shards, "study": self.study.model_copy(update={"arms": arms})}
        )  # fmt: skip


def _placed(arm: Arm, batch_shards: Mapping[str, Sequence[int]], choices: Mapping[str, TransportChoice]) -> Arm:
    if arm.memory or arm.model is None or arm.model not in batch_shards:
        return arm.model_copy(update={"transport": "online"})
    choice = choices.get(arm.model)
    deadline = arm.deadline if choice is None or arm.deadline is not None else choice.deadline
    return arm.model_copy(update={"transport": "batch", "deadline": deadline})
