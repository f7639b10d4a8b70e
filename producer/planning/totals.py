"""What run.json says about a plan: counts, cost with its interval, time, notes. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from producer.arms import ModelArm
from producer.planning.estimate import Cost, Load, cost_of, time_s
from producer.planning.inputs import PlanInputs
from producer.planning.rows import Tally
from providers.prices import price_of
from providers.tokens import encoding_of
from schemas.run import ArmLoad, PlanTotals


def plan_totals(
    inputs: PlanInputs,
    tally: Tally,
    arms: Mapping[str, ModelArm],
    shards: Mapping[str, Sequence[int]],
    *,
    n_respondents: int,
    at: datetime,
) -> PlanTotals:
    """Counts and estimates.

    Args:
        inputs: of the plan.
        tally: sums over its rows.
        arms: model arms that have tasks, by name.
        shards: model -> shard numbers.
        n_respondents: planned for.
        at: moment whose prices hold.
    """
    margins = {name: encoding_of(model.model).margin for name, model in inputs.models.items()}
    margins |= {arm.model_name: arm.counter.margin for arm in arms.values()}
    costs = [cost_of(inputs.models[name], load, margin=margins[name], at=at) for name, load in tally.loads.items()]
    costs += [
        cost_of(inputs.models[name], load, margin=margins[name], at=at, batch=True)
        for name, load in tally.batch_loads.items()
    ]
    cost = _sum(costs)
    loads = [*tally.loads.values(), *tally.batch_loads.values()]
    return PlanTotals(
        n_respondents=n_respondents,
        n_tasks=tally.n_tasks,
        n_requests=tally.n_requests,
        n_shards=sum(len(numbers) for numbers in shards.values()),
        prompt_tokens=sum(load.prompt_tokens for load in loads),
        completion_tokens=sum(load.expected_tokens for load in loads),
        requests_by_model=dict(_requests_by_model(tally)),
        batch_requests_by_model={name: load.n_requests for name, load in tally.batch_loads.items()},
        tasks_by_arm={arm: tally.tasks_by_arm[arm] for arm in inputs.study.arms},
        cost_usd=None if cost is None else cost.expected,
        cost_low_usd=None if cost is None else cost.low,
        cost_high_usd=None if cost is None else cost.high,
        time_s=time_s(inputs.models, tally.loads),
        loads=[_arm_load(lot, load, margins[lot[1]]) for lot, load in tally.by_lot.items()],
        relaxed_examples={name: tally.relaxed[name] for name, arm in arms.items() if arm.uses_examples},
    )


def plan_notes(inputs: PlanInputs, tally: Tally, *, n_without_persona: int, at: datetime) -> list[str]:
    """What a reader of the plan should know, one sentence each."""
    notes = [
        f"arm {arm}: {n} respondents have examples that do not share all `match` variables."
        for arm, n in sorted(tally.relaxed.items())
    ]
    if n_without_persona:
        notes.append(
            f"respondents who answer no persona field: {n_without_persona}; their prompts hold the question alone."
        )
    notes += [
        f"{name}: {model.rollout.share:.0%} of respondents are asked {model.rollout.model} instead."
        for name, model in inputs.models.items()
        if model.rollout is not None
    ]
    for name in _requests_by_model(tally):
        if price_of(inputs.models[name], at=at) is None:
            notes.append(f"model {name} has no known price: the cost of this run is unknown.")
    return notes


def _arm_load(lot: tuple[str, str, str], load: Load, margin: float) -> ArmLoad:
    arm, model, transport = lot
    return ArmLoad(arm=arm, model=model, transport=transport, margin=margin, **asdict(load))


def _requests_by_model(tally: Tally) -> Counter[str]:
    found = Counter({name: load.n_requests for name, load in tally.loads.items()})
    found.update({name: load.n_requests for name, load in tally.batch_loads.items()})
    return found


def _sum(costs: Sequence[Cost | None]) -> Cost | None:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    return Cost(*(sum(column) for column in zip(Cost(0.0, 0.0, 0.0), *known, strict=True)))
