"""Answers of earlier runs that may serve this one: same request, young enough, in scope, given in full.

Only `ok` answers are taken: a refusal or a cut answer is asked again, a failure anyway. Newer runs come first. An
answer that was itself reused keeps its first run and moment, so that age never starts anew.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from schemas import run_paths, tables
from schemas.errors import FormatError, StoreError
from schemas.models import Model
from schemas.run import RunManifest
from storage.parts import landed_units, open_table, read_part, write_part
from storage.runs import list_run_ids, load_manifest
from storage.store import Store

EMULATOR_FINGERPRINT = "fp_emulator"
"""Start of `system_fingerprint` in every answer of an emulator."""

_PLAN_COLUMNS = ["request_id", "model"]


@dataclass(frozen=True)
class Reusable:
    """Earlier answers for the requests of a plan.

    Attributes:
        table: schema `tables.RESPONSES`, transport `reused`, at most one row per request.
        by_run: run of the original call -> answers taken.
        skipped: runs that could not be read, one sentence each.
    """

    table: pa.Table
    by_run: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Requests that need no call."""
        return int(self.table.num_rows)


def copy_reused(store: Store, run_id: str, *, now: datetime) -> Reusable:
    """Land the earlier answers that may serve a run as its unit `reused`; safe to call again.

    Args:
        store: where the run and the earlier ones live.
        run_id: a run that no worker has opened yet.
        now: aware; what `reuse.max_age_days` is counted back from.
    """
    found = find_reusable(store, load_manifest(store, run_id), store, run_paths.plan(run_id), now=now)
    if found.n:
        write_part(store, run_id, run_paths.REUSED_UNIT, found.table)
    return found


def find_reusable(store: Store, manifest: RunManifest, place: Store, plan_path: str, *, now: datetime) -> Reusable:
    """Earlier answers for the requests of a plan, which may still lie in its staging folder.

    Args:
        store: where the earlier runs live.
        manifest: of the plan; its study says the scope.
        place: the store, or this host's folder where the plan was staged.
        plan_path: plan.parquet in `place`.
        now: aware.
    """
    reuse = manifest.study.reuse
    if reuse.scope == "none":
        return Reusable(tables.RESPONSES.empty_table())
    search = _Search(_wanted(place, plan_path), manifest.models, now - timedelta(days=reuse.max_age_days))
    skipped: list[str] = []
    for earlier in _candidates(store, manifest, skipped):
        search.take_from(store, earlier, skipped)
    return Reusable(search.table(), dict(sorted(search.by_run.items())), skipped)


def _candidates(store: Store, manifest: RunManifest, skipped: list[str]) -> list[str]:
    """Ids of runs in scope, newest first."""
    found = []
    for run_id in list_run_ids(store):
        if run_id == manifest.run_id:
            continue
        try:
            earlier = load_manifest(store, run_id)
        except (FormatError, StoreError) as e:
            skipped.append(f"{run_id}: {e.what}")
            continue
        if manifest.study.reuse.scope == "store" or earlier.study.study == manifest.study.study:
            found.append((earlier.created_at, run_id))
    return [run_id for _, run_id in sorted(found, reverse=True)]


def _wanted(store: Store, plan_path: str) -> dict[bytes, str]:
    """Request id as bytes -> model name; half the memory of texts."""
    names: dict[str, str] = {}
    wanted: dict[bytes, str] = {}
    with open_table(store, plan_path) as file:
        for batch in file.iter_batches(columns=_PLAN_COLUMNS):
            ids, models = (batch.column(name).to_pylist() for name in _PLAN_COLUMNS)
            for request_id, model in zip(ids, models, strict=True):
                wanted[bytes.fromhex(request_id)] = names.setdefault(model, model)
    return wanted


class _Search:
    """Takes answers for wanted requests, each once."""

    def __init__(self, wanted: dict[bytes, str], models: Mapping[str, Model], oldest: datetime) -> None:
        self._wanted = wanted
        self._oldest = oldest
        self._shares_identity = {
            name: any(d.identity is not None for d in model.endpoints) for name, model in models.items()
        }
        self._model_ids = {name: model.model for name, model in models.items()}
        self._tables: list[pa.Table] = []
        self.by_run: Counter[str] = Counter()

    def take_from(self, store: Store, run_id: str, skipped: list[str]) -> None:
        for unit in sorted(landed_units(store, run_id)):
            if not self._wanted:
                return
            try:
                part = read_part(store, run_id, unit)
            except (FormatError, StoreError) as e:
                skipped.append(f"{run_id}, part {unit}: {e.what}")
                continue
            self._take(part, run_id)

    def table(self) -> pa.Table:
        return pa.concat_tables([tables.RESPONSES.empty_table(), *self._tables]).combine_chunks()

    def _take(self, part: pa.Table, run_id: str) -> None:
        rows = [i for i, row in enumerate(_rows(part)) if self._serves(row)]
        if not rows:
            return
        taken = _as_reused(part.take(rows), run_id)
        self._tables.append(taken)
        self.by_run.update(taken["source_run_id"].to_pylist())

    def _serves(self, row: Mapping[str, Any]) -> bool:
        key = bytes.fromhex(row["request_id"])
        model = self._wanted.get(key)
        if model is None or row["outcome"] != "ok" or row["created_at"] < self._oldest:
            return False
        if row["model"] != self._model_ids[model]:
            return False  # a fallback answered in its place
        if self._shares_identity[model] and _is_emulated(row["system_fingerprint"]):
            return False  # a declared identity names no origin, so the id alone would not keep an emulator apart
        del self._wanted[key]
        return True


def _rows(part: pa.Table) -> Iterator[dict[str, Any]]:
    names = ["request_id", "outcome", "model", "created_at", "system_fingerprint"]
    columns: Sequence[list[Any]] = [part[name].to_pylist() for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _is_emulated(fingerprint: str | None) -> bool:
    return fingerprint is not None and fingerprint.startswith(EMULATOR_FINGERPRINT)


def _as_reused(rows: pa.Table, run_id: str) -> pa.Table:
    """The rows as this run's: no call, no cost, the original's moment and run."""
    n = rows.num_rows
    sources = [source if source is not None else run_id for source in rows["source_run_id"].to_pylist()]
    changed = {
        "transport": ["reused"] * n,
        "source_run_id": sources,
        "cost_usd": [0.0] * n,
        "maybe_paid": [0] * n,
        "maybe_paid_usd": [None] * n,
        "attempts": [0] * n,
    }
    for name, values in changed.items():
        schema_field = tables.RESPONSES.field(name)
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, schema_field, pa.array(values, type=schema_field.type))
    return rows.cast(tables.RESPONSES)
