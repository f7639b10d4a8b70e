"""What a run does when a registered version of a model answers badly: a key of the study, by name or in full."""

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.strict import Strict


class OnFailure(Strict):
    """When the version in service fails in a run. `on_failure: rollback` stands for `{then: rollback}`."""

    then: Literal["pause", "rollback"] = Field(
        "pause",
        description="pause: its arms wait for `models rollback` and `resume`, the others go on. rollback: the version "
        "before is put back into service and answers the rest; rows carry it, and the evaluation says MIXED.",
    )
    failed: float = Field(0.2, gt=0, le=1, description="Share of its requests that may end as `failed`.")
    unparsed: float = Field(
        0.2, gt=0, le=1, description="Share of its answers that may be `unparsed` or `truncated`; 1: any."
    )
    calls: int = Field(50, ge=1, description="Answers before anything is judged.")

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:  # noqa: ANN401 - as the file has it
        return {"then": value} if isinstance(value, str) else value
