"""The study's `experiment`: factors to be crossed into arms. Shape only; `producer.experiments` makes the arms."""

from typing import Any

from pydantic import Field

from schemas.strict import Strict


class Experiment(Strict):
    """Factors whose levels are crossed, each combination an arm of its own."""

    cross: dict[str, list[Any] | dict[str, Any]] = Field(
        min_length=1,
        description="Key of an arm, such as model, strategy, persona or parameters.temperature -> its levels: a list, "
        "or names with values.",
    )
    shared: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="Keys and values that all these arms have."
    )
    leave_out: list[dict[str, Any]] = Field(
        default_factory=list, description="Combinations that are not made: {key: level}, or several keys together."
    )
    max_arms: int = Field(24, ge=1, le=500, description="More arms than this are an error.")
