"""The requests of one shard, read from plan.parquet by row group."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from producer.prompting.turns import Turns, call_tokens
from schemas import run_paths
from schemas.errors import StoreError
from schemas.identity import call_id
from storage.parts import open_table
from storage.store import Store


@dataclass(frozen=True)
class PlannedRequest:
    """One row of the plan, or one call of it, ready to be sent.

    Attributes:
        messages: of this call; of a row, those of its first.
        prompt_tokens, completion_tokens, max_tokens: of this call; of a row, of all its calls together.
        turns: of the whole request; None: `messages` are all there is.
        turn: which call it is.
        goes_on_after: outcomes after which the request has another call.
    """

    request_id: str
    messages: list[dict[str, Any]]
    parameters: dict[str, Any]
    prompt_tokens: int
    completion_tokens: int
    max_tokens: int
    turns: Turns | None = None
    turn: int = 0
    goes_on_after: frozenset[str] = frozenset()

    @property
    def call_id(self) -> str:
        """Journal key and client request id of the call."""
        return call_id(self.request_id, self.turn)

    @property
    def n_turns(self) -> int:
        """Calls that answer the request in full."""
        return 1 if self.turns is None else self.turns.n

    def call(self, texts: Sequence[str]) -> "PlannedRequest":
        """The call that follows these answers."""
        if self.turns is None:
            return self
        limit = self.max_tokens - self.prompt_tokens
        tokens = call_tokens(
            self.turns, texts, prompt=self.prompt_tokens, completion=self.completion_tokens, limit=limit
        )
        return replace(
            self,
            messages=self.turns.messages(texts),
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            max_tokens=tokens.prompt + tokens.limit,
            turn=len(texts),
            goes_on_after=self.turns.goes_on_after(len(texts)),
        )


@dataclass(frozen=True)
class PlannedShard:
    """All requests of a shard; they share one model."""

    shard: int
    model: str
    requests: list[PlannedRequest]


def load_shard(store: Store, run_id: str, shard: int) -> PlannedShard:
    """Read a shard.

    Raises:
        StoreError: the plan is missing, damaged, or holds no such shard.
    """
    group = _group_of_shard(store, run_id, shard)
    rows = group.filter(pc.equal(group["shard"], shard))
    return PlannedShard(shard, rows["model"][0].as_py(), [planned_request(row) for row in rows.to_pylist()])


def planned_request(row: dict[str, Any]) -> PlannedRequest:
    """From a row of the plan."""
    turns = Turns.from_json(row["turns"])
    return PlannedRequest(
        request_id=row["request_id"],
        messages=turns.first,
        parameters=_parameters(row["parameters"]),
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        max_tokens=row["max_tokens"],
        turns=turns if turns.later else None,
    )


@lru_cache(maxsize=256)
def _parameters(text: str) -> dict[str, Any]:
    """Parameters are the same for nearly every request of an arm; nobody changes the returned object."""
    parameters: dict[str, Any] = json.loads(text)
    return parameters


def _group_of_shard(store: Store, run_id: str, shard: int) -> pa.Table:
    life = store.run_life(run_id)
    ranges = _shard_ranges(store, run_id, life)
    for group, (low, high) in enumerate(ranges):
        if low <= shard <= high:
            table = _read_group(store, run_id, group, life)
            if pc.any(pc.equal(table["shard"], shard)).as_py():
                return table
    raise StoreError(f"the plan holds no shard {shard}.", where=store.where(run_paths.plan(run_id)))


@lru_cache(maxsize=64)
def _shard_ranges(store: Store, run_id: str, life: str) -> list[tuple[int, int]]:
    """Smallest and largest shard of each row group, from the footer's statistics."""
    del life  # part of the key: a run that was planned again under its name is another one
    with open_table(store, run_paths.plan(run_id)) as file:
        column = file.schema_arrow.get_field_index("shard")
        stats = [file.metadata.row_group(i).column(column).statistics for i in range(file.num_row_groups)]
        return [(s.min, s.max) for s in stats]


@lru_cache(maxsize=6)
def _read_group(store: Store, run_id: str, group: int, life: str) -> pa.Table:
    """A row group; a few stay in memory because neighbouring shards are worked on at the same time."""
    del life
    with open_table(store, run_paths.plan(run_id)) as file:
        try:
            return file.read_row_group(group)
        except (pa.ArrowInvalid, OSError) as e:
            raise StoreError(
                "the plan is damaged.",
                where=store.where(run_paths.plan(run_id)),
                hint="Start the run again; answers that landed are reused.",
            ) from e
