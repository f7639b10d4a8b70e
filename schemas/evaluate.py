"""The `evaluate` part of a study: how the evaluation is done."""

from typing import Annotated

from pydantic import Field

from schemas.strict import Strict


class Evaluate(Strict):
    """How the evaluation is done."""

    bootstrap: int = Field(2000, ge=100, le=20000, description="Respondent-bootstrap draws.")
    subgroups: list[str] = Field(
        default_factory=list, description="Variables whose groups are scored apart; they need not be persona fields."
    )
    intersections: list[Annotated[list[str], Field(min_length=2, max_length=3)]] = Field(
        default_factory=list, description="Subgroup variables to be crossed, as in [[GENDER, AGECAT]]."
    )
    minimum_cell: int = Field(
        100, ge=30, description="Respondents a group needs to be ranked; below 30 it is never shown."
    )
    equivalence_points: float = Field(
        1.0, gt=0, le=50, description="Accuracies this close, in points, count as equivalent."
    )
    rich: list[str] = Field(
        default_factory=list,
        description="Variables, such as attitudes, that a second logit knows beyond the persona: the headroom.",
    )
    labels: int = Field(500, ge=30, description="Human interviews that the value of the predictions is stated for.")
    interview_usd: float | None = Field(None, gt=0, description="US$ of one human interview, to compare costs with.")
    extra_cost_usd: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="Arm -> US$ of training and hosting, added to the cost of its answers."
    )
