"""Checks of arms that go through the Batch API, and of arms that could not go anywhere else."""

from collections.abc import Iterator, Mapping

from producer.planning.transports import is_azure_tuned, planned_transport
from producer.prompting.strategies import n_samples, strategy_of
from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.yaml_source import Source

_SETTINGS = ("deadline", "retry", "rescue")


def batch_problems(study: Study, source: Source, models: Mapping[str, Model]) -> Iterator[Problem]:
    """What keeps arms from the transport they ask for.

    Args:
        study: as read.
        source: where it was written.
        models: those that arms use, by name, as far as they could be read.
    """
    first: dict[str, tuple[str, Arm]] = {}
    for name, arm in study.arms.items():
        model = None if arm.model is None else models.get(arm.model)
        if arm.model is None or model is None:
            continue
        if planned_transport(arm, model) == "online":
            if not model.deployments:
                what = f"the model {arm.model} has batch deployments only, and the arm {name} asks online."
                hint = f"Add `transport: batch` to the arm, or `deployments` to models.{arm.model}."
                yield Problem(what, source.where(f"arms.{name}.model"), hint, code="no_deployment")
            continue
        yield from _deployments(name, arm, model, source)
        other_name, other = first.setdefault(arm.model, (name, arm))
        yield from _alike(name, arm, other_name, other, source)


def _deployments(name: str, arm: Arm, model: Model, source: Source) -> Iterator[Problem]:
    where = source.where(f"arms.{name}.transport")
    if not model.batch:
        what = f"the arm {name} asks in batches, and the model {arm.model} has no batch deployment."
        hint = f"Add `batch: [{{name: .., base_url: .., ..}}]` to models.{arm.model}, or use `transport: online`."
        yield Problem(what, where, hint, code="no_batch_deployment")
    if is_azure_tuned(model):
        what = f"Azure OpenAI takes no batches for tuned models such as {model.model}."
        yield Problem(what, where, "Use `transport: online` for this arm.", code="tuned_model_in_batch")
    if arm.memory:
        what = f"the arm {name} asks with memory, which batches do not take yet."
        yield Problem(what, where, "Use `transport: online`, or no memory.", code="memory_in_batch")
    if arm.permutations == "rotate" and arm.deadline is not None:
        what = f"the arm {name} asks in as many orders as there are options: its batches cannot be timed by a deadline."
        hint = "Give `permutations` a number, or take the deadline out."
        yield Problem(what, source.where(f"arms.{name}.deadline"), hint, code="deadline_with_turns")
    if arm.rescue == "pay_twice" and most_turns(arm) > 1:
        what = f"the arm {name} asks in several turns: batches that bring one of them too late would be of no use."
        where = source.where(f"arms.{name}.rescue")
        yield Problem(what, where, "Take `rescue: pay_twice` out.", code="pay_twice_with_turns")
    if model.deployments:
        return
    if arm.deadline is not None:
        what = f"the deadline of {name} may have to be met online, and the model {arm.model} has no online deployment."
        hint = f"Add `deployments` to models.{arm.model}, or take the deadline out."
        yield Problem(what, source.where(f"arms.{name}.deadline"), hint, code="deadline_without_deployment")
    if arm.retry == "online":
        what = f"{name} asks again online, and the model {arm.model} has no online deployment."
        hint = f"Add `deployments` to models.{arm.model}, or use `retry: batch`."
        yield Problem(what, source.where(f"arms.{name}.retry"), hint, code="retry_without_deployment")


def may_take_turns(arm: Arm) -> bool:
    """Requests of the arm may have several turns; of a prompt of the study's own only the plan knows."""
    return arm.strategy == "template" or most_turns(arm) > 1


def most_turns(arm: Arm) -> int:
    """Calls that a request of the arm may take.

    The turns of a prompt of the study's own count as one, those of `rotate` as two: how many there are is not known
    here.
    """
    orders = 1 if arm.permutations is None else 2 if arm.permutations == "rotate" else arm.permutations
    return max(strategy_of(arm).n_turns, n_samples(arm), orders)


def _alike(name: str, arm: Arm, other_name: str, other: Arm, source: Source) -> Iterator[Problem]:
    differing = [key for key in _SETTINGS if getattr(arm, key) != getattr(other, key)]
    if differing:
        what = f"the arms {other_name} and {name} share batches of the model {arm.model} and differ in {differing[0]}."
        hint = "Give both the same, or make the model two entries of the models file."
        yield Problem(what, source.where(f"arms.{name}.{differing[0]}"), hint, code="batch_settings_differ")
