"""What decisions of a run hold, as its events tell them."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.models import Model


class Generation(BaseModel):
    """A retry generation: the shards of the plan again, for requests whose best outcome is in `outcomes`."""

    model_config = ConfigDict(frozen=True)

    number: int
    outcomes: list[str]


class HandedOver(BaseModel):
    """Batch requests of a model that are asked online from now on.

    Attributes:
        shards: that hold them.
        turns_usd: what answers of earlier turns cost that the shards' journals were given.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    generation: int
    shards: list[int]
    turns_usd: float = 0.0


class TransportChoice(BaseModel):
    """What the requests of a model with `transport: auto` take, chosen when the run opened.

    Attributes:
        deadline: that it was chosen for, as an arm's; None: nobody gave one.
        reason: one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    transport: Literal["online", "batch"]
    deadline: str | None = None
    reason: str = ""


class CountedBefore(BaseModel):
    """Answers of one version up to a restart of the run: they no longer speak against it.

    Attributes:
        model: id that the version answers as. The counts are those of its tally.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    requests: int
    failed: int
    answers: int
    unread: int


class Replaced(BaseModel):
    """Another version that answers what is left for a model of the run.

    Attributes:
        model: name in the plan.
        entry: of the version, without secrets.
        at: when it was decided.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    entry: Model
    at: AwareDatetime
