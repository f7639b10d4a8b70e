"""Units of a run that are asked online: those of the plan, those of a retry, and what a batch handed over. Pure."""

from schemas.events import RunState
from schemas.run import RunManifest
from schemas.run_paths import shard_unit


def online_units(manifest: RunManifest, state: RunState) -> dict[str, list[str]]:
    """Model -> its units over all generations, whether they landed or not; a model without any is left out."""
    generations = (0, state.generation) if state.generation else (0,)
    units = {
        model: [shard_unit(shard, generation) for generation in generations for shard in shards]
        for model, shards in manifest.online_shards.items()
    }
    for moved in state.handed_over:
        units.setdefault(moved.model, []).extend(shard_unit(shard, moved.generation) for shard in moved.shards)
    return {model: found for model, found in units.items() if found}
