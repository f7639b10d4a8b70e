"""How requests could travel, what that costs and takes, and what is taken."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cli.views.console import err, out
from cli.views.text_table import print_table
from producer.planning.estimate import Cost
from producer.planning.transport_choice import Option, cost_of_choice, options_of, span
from schemas.decisions import TransportChoice
from schemas.dollars import dollars
from schemas.run import ArmLoad, RunManifest
from storage.store import Store
from workers.batch.choice import choices_for
from workers.batch.history import batch_times

_HEADERS = ["", "arm", "transport", "pool", "US$", "time", "deadline", "resting on"]


@dataclass(frozen=True)
class Ways:
    """What `plan` says of transport.

    Attributes:
        options: of every arm.
        taken: arm -> online or batch.
        left_s: until the deadline; None without one.
        cost: of all as taken; None if a model has no price.
    """

    options: list[Option]
    taken: dict[str, str]
    choices: list[TransportChoice]
    left_s: float | None
    budget_usd: float | None
    cost: Cost | None

    def document(self) -> dict[str, Any]:
        """For --json."""
        options = [
            asdict(o) | {"cost": None if o.cost is None else o.cost._asdict(), "meets_deadline": _meets(o, self.left_s)}
            for o in self.options
        ]
        return {
            "options": options, "taken": self.taken, "reasons": {c.model: c.reason for c in self.choices},
            "left_s": self.left_s, "budget_usd": self.budget_usd,
            "cost_usd": None if self.cost is None else self.cost.expected,
        }  # fmt: skip


def ways_of(
    store: Store, manifest: RunManifest, *, deadline: datetime | None, budget_usd: float | None, now: datetime
) -> Ways:
    """All ways of a planned run, and those that would be taken now."""
    times, loads = batch_times(store), manifest.totals.loads
    options = [option for load in loads for option in options_of(manifest.models, load, times, at=now)]
    choices = choices_for(store, manifest, deadline=deadline, now=now)
    chosen: dict[str, str] = {choice.model: choice.transport for choice in choices}
    return Ways(
        options,
        {load.arm: chosen[load.model] if load.transport == "auto" else load.transport for load in loads},
        choices,
        None if deadline is None else (deadline - now).total_seconds(),
        budget_usd,
        cost_of_choice(manifest.models, loads, choices, at=now),
    )


def show_ways(ways: Ways) -> None:
    """A table of all ways, then why what is taken is taken."""
    out.print()
    print_table("Transport (> is taken)", _HEADERS, [_cells(o, ways) for o in ways.options], right=[4])
    for choice in ways.choices:
        out.print(f"{choice.model} {choice.reason}", markup=False)
    if ways.cost is not None:
        out.print(f"all as taken: about {dollars(ways.cost.expected)}{_against(ways)}", markup=False)


def show_choices(store: Store, manifest: RunManifest, deadline: datetime | None, now: datetime) -> None:
    """What `transport: auto` becomes, before a run is started; nothing where nothing is open."""
    choices = choices_for(store, manifest, deadline=deadline, now=now)
    for choice in choices:
        err.print(f"  {choice.model} {choice.reason}", markup=False)
    cost = cost_of_choice(manifest.models, manifest.totals.loads, choices, at=now)
    if choices and cost is not None:
        err.print(
            f"  with that about {dollars(cost.expected)} ({dollars(cost.low)} to {dollars(cost.high)})", markup=False
        )


def is_open(loads: Sequence[ArmLoad]) -> bool:
    """Some transport is still to be chosen."""
    return any(load.transport == "auto" for load in loads)


def _cells(option: Option, ways: Ways) -> list[str]:
    taken = ways.taken[option.arm] == option.transport and option.via == _stands_for_all(option, ways)
    meets = {True: "meets", False: "too late", None: ""}[_meets(option, ways.left_s)]
    cost = "?" if option.cost is None else f"{option.cost.expected:,.4f}"
    words = "at least" if option.transport == "online" else "within"
    time = f"{words} {span(option.time_s)}"
    return [">" if taken else "", option.arm, option.transport, option.via, cost, time, meets, option.basis]


def _stands_for_all(option: Option, ways: Ways) -> str:
    """Online all pools, or the only one; of batches the quickest."""
    alike = [o for o in ways.options if (o.arm, o.transport) == (option.arm, option.transport)]
    return min(alike, key=lambda o: o.time_s).via if option.transport == "batch" else alike[0].via


def _meets(option: Option, left_s: float | None) -> bool | None:
    return None if left_s is None else option.time_s <= left_s


def _against(ways: Ways) -> str:
    if ways.budget_usd is None or ways.cost is None:
        return ""
    if ways.cost.high <= ways.budget_usd:
        return f", at most {dollars(ways.cost.high)}: within ${ways.budget_usd:g}"
    if ways.cost.expected <= ways.budget_usd:
        return f", up to {dollars(ways.cost.high)}: may not fit into ${ways.budget_usd:g}"
    return f": more than ${ways.budget_usd:g}, the run would stop there"
