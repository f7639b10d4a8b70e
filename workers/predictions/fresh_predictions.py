"""predictions.parquet as it should be before it is looked at: compacted again unless the run has finished."""

from schemas import run_paths
from schemas.run import RunManifest
from storage.parts import landed_units
from storage.runs import load_manifest, load_state
from storage.store import Store
from workers.predictions.compaction import compact


def compact_if_needed(store: Store, run_id: str) -> RunManifest:
    """Compact a run that has no predictions or has not finished; returns its manifest.

    Raises:
        UserInputError: there is no such run. StoreError: a file is missing or damaged.
    """
    manifest = load_manifest(store, run_id)
    if load_state(store, run_id).phase == "finished" and store.exists(run_paths.predictions(run_id)):
        return manifest
    while True:
        before = landed_units(store, run_id)
        compact(store, run_id)
        after = landed_units(store, run_id)
        if after == before or not _all_landed(manifest, after, load_state(store, run_id).generation):
            return manifest
        # the last parts landed meanwhile: the keeper may have written the whole result before us, and ours lacks them


def _all_landed(manifest: RunManifest, landed: set[str], generation: int) -> bool:
    shards = [shard for shards in manifest.shards_by_model.values() for shard in shards]
    generations = {0, generation}
    return all(run_paths.shard_unit(shard, g) in landed for shard in shards for g in generations)
