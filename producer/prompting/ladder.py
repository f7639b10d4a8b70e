"""The ladder of `strategy: probabilities`: log-probabilities, else repeated samples, else a stated distribution.

A model's own `probabilities` comes first. Chat models report log-probabilities; reasoning models refuse them, and their
samples differ from each other. Where temperature 0 would make all samples alike, the model is asked to state a
distribution. What was chosen stands in run.json: the plan holds no arm that is still to be resolved.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from providers.families import is_deterministic
from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.yaml_source import Source

LADDER = "probabilities"
_BY = {
    "logprobs": "the log-probabilities of the first token",
    "repeats": "repeated samples",
    "stated": "a distribution that the model states",
}


class Rung(NamedTuple):
    """A strategy that gives probabilities, and why it is the one."""

    strategy: Literal["logprobs", "repeats", "stated"]
    why: str

    @property
    def told(self) -> str:
        """One phrase."""
        return f"{_BY[self.strategy]}: {self.why}"


def rung_of(model: Model, arm: Arm | None = None) -> Rung:
    """The first rung that a model allows with an arm's parameters."""
    parameters = {**model.parameters, **({} if arm is None else arm.parameters)}
    if model.probabilities in ("logprobs", "stated"):
        return Rung(model.probabilities, "the models file says so")
    if model.probabilities is None and model.family != "reasoning":
        return Rung("logprobs", f"{model.family} models report them")
    if is_deterministic(model.family, parameters):
        return Rung("stated", "samples at temperature 0 do not differ")
    why = "reasoning models refuse logprobs" if model.family == "reasoning" else "the models file says so"
    return Rung("repeats", why)


def resolved(study: Study, models: Mapping[str, Model]) -> Study:
    """The study with a strategy for every such arm; where the model is not known, log-probabilities."""
    found = {name: _resolved(arm, models) for name, arm in study.arms.items() if arm.strategy == LADDER}
    return study.model_copy(update={"arms": {**study.arms, **found}}) if found else study


def ladder_notes(study: Study, models: Mapping[str, Model], source: Source) -> Iterator[Problem]:
    """What each arm of the unresolved study will do, as notes."""
    for name, arm in study.arms.items():
        model = models.get(str(arm.model))
        if arm.strategy == LADDER and model is not None:
            what = f"the arm {name} takes probabilities from {rung_of(model, arm).told}."
            yield Problem(what, source.where(f"arms.{name}.strategy"), level="note", code="probabilities_by")


def _resolved(arm: Arm, models: Mapping[str, Model]) -> Arm:
    model = models.get(str(arm.model))
    strategy = "logprobs" if model is None else rung_of(model, arm).strategy
    return arm.model_copy(update={"strategy": strategy})
