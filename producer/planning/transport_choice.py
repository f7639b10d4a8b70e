"""Online or in batches: what each would cost and take, and which one `transport: auto` becomes. Pure.

The cheapest that meets the deadline is taken; where nothing meets it, the fastest. Reasons: docs/design/transport.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from typing import Literal, NamedTuple

from producer.planning.estimate import Cost, Load, cost_of, time_s
from schemas.decisions import TransportChoice
from schemas.dollars import dollars
from schemas.models import BatchDeployment, Model
from schemas.run import ArmLoad

PROMISED_S = 86_400.0
"""Services promise a batch within a day."""
LEAST_BATCHES = 3
"""Own batches of an endpoint after which their times are trusted over the promise."""


class Typical(NamedTuple):
    """How long batches of an endpoint took: nine of ten were back after `seconds`."""

    seconds: float
    n: int


BatchTimes = Mapping[str, Typical]
"""`base_url deployment` -> what was seen."""


def endpoint_key(deployment: BatchDeployment) -> str:
    """What batch times are known by."""
    return f"{deployment.base_url} {deployment.deployment}"


@dataclass(frozen=True)
class Option:
    """One way for the requests of an arm.

    Attributes:
        via: pools that serve it.
        cost: None if the model has no price.
        time_s: at least, online; at most, in batches.
        basis: where the time comes from.
    """

    arm: str
    model: str
    transport: Literal["online", "batch"]
    via: str
    cost: Cost | None
    time_s: float
    basis: str


def options_of(models: Mapping[str, Model], load: ArmLoad, times: BatchTimes, *, at: datetime) -> list[Option]:
    """Everything that could carry an arm's requests: all pools, each pool alone, each batch endpoint.

    Args:
        models: of the run.
        load: of the arm.
        times: of batches that were.
        at: moment whose prices hold.
    """
    model = models[load.model]
    pools: dict[str, Model] = {}
    for deployment in model.deployments:
        mine = [d for d in model.deployments if d.pool_name == deployment.pool_name]
        pools[deployment.pool_name] = model.model_copy(update={"deployments": mine})
    ways = {"all pools": model, **pools} if len(pools) > 1 else pools
    found = []
    for via, served in ways.items():
        seconds = time_s({load.model: served}, {load.model: _load([load])})
        found.append(_option(load, "online", via, _cost(model, [load], at), seconds, "at the stated quotas"))
    if len(model.batch) > 1:
        seconds, basis = batches_time(model.batch, load, times)
        found.append(_option(load, "batch", "all pools", _cost(model, [load], at, batch=True), seconds, basis))
    for each in model.batch:
        seconds, basis = batch_time(each, load, times)
        found.append(_option(load, "batch", each.pool_name, _cost(model, [load], at, batch=True), seconds, basis))
    return found


def batch_time(deployment: BatchDeployment, load: ArmLoad, times: BatchTimes) -> tuple[float, str]:
    """Seconds until the last answer, and what that rests on.

    A queue that does not hold all tokens at once is filled again and again; turns of a conversation come one by one.
    """
    seen = times.get(endpoint_key(deployment))
    trusted = seen is not None and seen.n >= LEAST_BATCHES
    waves = _waves([deployment], load)
    turns = 1 + ceil(load.n_later_calls / max(1, load.n_requests))
    each_s = seen.seconds if seen is not None and trusted else PROMISED_S
    basis = f"as {seen.n} batches here took" if seen is not None and trusted else "as the service promises"
    return each_s * waves * turns, basis + ("" if waves * turns == 1 else f", {waves * turns} in a row")


def batches_time(deployments: Sequence[BatchDeployment], load: ArmLoad, times: BatchTimes) -> tuple[float, str]:
    """As `batch_time`, for all batch endpoints of a model: any of them may get the last batch, so the slowest counts.

    A batch goes where the queue is emptiest (`workers.batch.schedule.choose`); what one does not hold, others do.
    """
    queues = [each.model_copy(update={"enqueued_tokens": None}) for each in deployments]
    once_s, basis = max((batch_time(each, load, times) for each in queues), key=lambda found: found[0])
    waves = _waves(deployments, load)
    return once_s * waves, basis if waves == 1 else f"{basis}, filled {waves} times"


def _waves(deployments: Sequence[BatchDeployment], load: ArmLoad) -> int:
    """How often the queues must be filled; 1 if one of them takes everything."""
    room = [each.enqueued_tokens for each in deployments if each.enqueued_tokens is not None]
    return max(1, ceil(load.prompt_tokens / sum(room))) if len(room) == len(deployments) else 1


def choose(
    models: Mapping[str, Model],
    loads: Sequence[ArmLoad],
    times: BatchTimes,
    *,
    deadlines: Mapping[str, str],
    left_s: Mapping[str, float],
    at: datetime,
) -> list[TransportChoice]:
    """What the models with open requests take.

    Args:
        models: of the run.
        loads: of all its arms.
        times: of batches that were.
        deadlines: model -> deadline as an arm would say it; without models that nobody waits for.
        left_s: model -> seconds until then; likewise.
        at: moment whose prices hold.
    """
    open_loads: dict[str, list[ArmLoad]] = {}
    for load in loads:
        if load.transport == "auto":
            open_loads.setdefault(load.model, []).append(load)
    reasons = {
        name: _batch_reason(models[name], mine, times, left_s.get(name), at) for name, mine in open_loads.items()
    }
    batched = {name: reason for name, reason in reasons.items() if reason is not None}
    online = [load for load in loads if load.transport != "batch" and load.model not in batched]
    found = []
    for name, mine in open_loads.items():
        if name in batched:
            transport, reason = "batch", batched[name]
        else:
            online_s = _own_time_s(models, online, name)
            transport, reason = _online_reason(models[name], mine, times, left_s.get(name), online_s, at)
        found.append(
            TransportChoice.model_validate(
                {"model": name, "transport": transport, "deadline": deadlines.get(name), "reason": reason}
            )
        )
    return found


def _own_time_s(models: Mapping[str, Model], online: Sequence[ArmLoad], name: str) -> float:
    """Until the last request of a model goes out: beside everything that shares one of its pools, and nothing else."""
    own = {deployment.pool_name for deployment in models[name].deployments}
    beside = [load for load in online if own & {d.pool_name for d in models[load.model].deployments}]
    return time_s(models, _by_model(beside))


def cost_of_choice(
    models: Mapping[str, Model], loads: Iterable[ArmLoad], choices: Iterable[TransportChoice], *, at: datetime
) -> Cost | None:
    """What everything costs as chosen; None if a model has no price."""
    batched = {choice.model for choice in choices if choice.transport == "batch"}
    parts = []
    for load in loads:
        in_batch = load.transport == "batch" or (load.transport == "auto" and load.model in batched)
        parts.append(_cost(models[load.model], [load], at, batch=in_batch))
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Cost(*(sum(column) for column in zip(Cost(0.0, 0.0, 0.0), *known, strict=True)))


def span(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _batch_reason(
    model: Model, loads: Sequence[ArmLoad], times: BatchTimes, left_s: float | None, at: datetime
) -> str | None:
    """Why batches are taken; None if they are not."""
    online, batch = _cost(model, loads, at), _cost(model, loads, at, batch=True)
    if online is None or batch is None or batch.expected >= online.expected:
        return None
    seconds, basis = _all_batches(model, loads, times)
    if left_s is not None and seconds > left_s:
        return None
    money = f"{dollars(batch.expected)} instead of {dollars(online.expected)} online"
    wanted = "nobody gave a deadline" if left_s is None else f"the deadline is in {span(left_s)}"
    return f"in batches: {money}, within {span(seconds)} {basis}; {wanted}."


def _online_reason(
    model: Model, loads: Sequence[ArmLoad], times: BatchTimes, left_s: float | None, online_s: float, at: datetime
) -> tuple[Literal["online", "batch"], str]:
    batch = _cost(model, loads, at, batch=True)
    seconds, basis = _all_batches(model, loads, times)
    if left_s is not None and online_s > left_s:
        quickest, needed = min(("online", online_s), ("batch", seconds), key=lambda way: way[1])
        words = "online" if quickest == "online" else "in batches"
        taken: Literal["online", "batch"] = "online" if quickest == "online" else "batch"
        return taken, f"{words}: nothing meets the deadline in {span(left_s)}; this takes {span(needed)}, LATE."
    if batch is None:
        return "online", "online: the model has no price to compare."
    if left_s is not None and seconds > left_s:
        what = f"a batch may take {span(seconds)} ({basis}) and the deadline is in {span(left_s)}"
        return "online", f"online: {what}; at least {span(online_s)} at the stated quotas."
    return "online", "online: batches would not be cheaper."


def _all_batches(model: Model, loads: Sequence[ArmLoad], times: BatchTimes) -> tuple[float, str]:
    together = loads[0].model_copy(update=asdict(_load(loads)))
    return batches_time(model.batch, together, times)


def _option(
    load: ArmLoad, transport: Literal["online", "batch"], via: str, cost: Cost | None, seconds: float, basis: str
) -> Option:
    return Option(load.arm, load.model, transport, via, cost, seconds, basis)


def _cost(model: Model, loads: Sequence[ArmLoad], at: datetime, *, batch: bool = False) -> Cost | None:
    return cost_of(model, _load(loads), margin=max(load.margin for load in loads), at=at, batch=batch)


def _by_model(loads: Iterable[ArmLoad]) -> dict[str, Load]:
    found: dict[str, Load] = {}
    for load in loads:
        found[load.model] = found.get(load.model, Load()) + _load([load])
    return found


def _load(loads: Iterable[ArmLoad]) -> Load:
    """Their sum."""
    fields = set(Load.__dataclass_fields__)
    return sum((Load(**load.model_dump(include=fields)) for load in loads), Load())
