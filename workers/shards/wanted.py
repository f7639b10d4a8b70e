"""Which requests of a shard a unit has to answer."""

from dataclasses import dataclass

from schemas import run_paths
from storage.parts import landed_units, read_part
from storage.runs import load_state
from workers.batch.asks import contains
from workers.calls.requests import PlannedRequest, PlannedShard
from workers.shards.landing import RANK
from workers.shards.node import Node


@dataclass(frozen=True)
class ShardRef:
    """Which shard of which run, in which generation."""

    run_id: str
    shard: int
    generation: int

    @property
    def unit(self) -> str:
        """Unit that it lands as."""
        return run_paths.shard_unit(self.shard, self.generation)


def wanted_requests(node: Node, ref: ShardRef, planned: PlannedShard) -> list[PlannedRequest]:
    """What this unit has to answer: not what was reused, in a retry generation only what ended badly."""
    handed_over = node.handed_over(ref.run_id, ref.shard, ref.generation)
    if handed_over is not None:
        return [r for r in planned.requests if contains(handed_over, r.request_id)]
    reused = node.reused_requests(ref.run_id)
    if ref.generation == 0:
        return [r for r in planned.requests if r.request_id not in reused]
    generations = load_state(node.store, ref.run_id).generations
    outcomes = next(set(g.outcomes) for g in generations if g.number == ref.generation)
    best = _best_outcomes(node, ref)
    return [r for r in planned.requests if best.get(r.request_id) in outcomes]


def _best_outcomes(node: Node, ref: ShardRef) -> dict[str, str]:
    """Best outcome of each request of a shard over its earlier generations."""
    best: dict[str, str] = {}
    for unit in sorted(landed_units(node.store, ref.run_id)):
        shard = run_paths.shard_of_unit(unit)
        if shard is None or shard[0] != ref.shard or shard[1] >= ref.generation:
            continue
        table = read_part(node.store, ref.run_id, unit, ["request_id", "outcome"])
        for request, outcome in zip(table["request_id"].to_pylist(), table["outcome"].to_pylist(), strict=True):
            if request not in best or RANK[outcome] < RANK[best[request]]:
                best[request] = outcome
    return best
