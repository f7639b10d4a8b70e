"""Answers that came after the deadline of their arm."""

from datetime import datetime

import pyarrow.compute as pc

from schemas import run_paths
from schemas.deadline import deadline_at
from schemas.run import RunManifest
from storage.parts import open_table
from storage.store import Store


def late_answers(store: Store, manifest: RunManifest) -> dict[str, int]:
    """Arm -> rows of predictions.parquet that arrived too late; only arms that have any.

    Raises:
        StoreError: predictions.parquet is missing or damaged.
    """
    deadlines = {
        name: deadline_at(arm.deadline, manifest.created_at)
        for name, arm in manifest.study.arms.items()
        if arm.deadline is not None
    }
    found = dict.fromkeys(deadlines, 0)
    if not deadlines:
        return {}
    with open_table(store, run_paths.predictions(manifest.run_id)) as file:
        for batch in file.iter_batches(columns=["arm", "created_at"]):
            for name, deadline in deadlines.items():
                found[name] += _count(batch["arm"], batch["created_at"], name, deadline)
    return {name: n for name, n in found.items() if n}


def _count(arms: object, moments: object, name: str, deadline: datetime) -> int:
    is_late = pc.and_(pc.equal(arms, name), pc.greater(moments, deadline))
    n: int | None = pc.sum(is_late).as_py()
    return 0 if n is None else n
