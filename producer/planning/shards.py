"""Shards: how the requests of a run are cut for queueing, landing and redelivery. Pure."""

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

MIN_SHARD_SIZE = 32
MAX_SHARD_SIZE = 512
SHARDS_PER_RUN = 64
"""Aimed at while the size is within its bounds: enough for every worker slot to stay busy to the end."""
GROUP_ROWS = 2048
"""Rows of a row group at least, but for the last: reading one shard stays cheap, the footer small."""

Row = TypeVar("Row")


class Lot(NamedTuple):
    """What the requests of a shard have in common."""

    model: str
    transport: str = "online"


class Shard(NamedTuple, Generic[Row]):
    """Consecutive requests of one model and transport; `number` is unique in the run."""

    number: int
    lot: Lot
    rows: list[Row]


def shard_size(setting: int | str, n_requests_at_most: int) -> int:
    """Requests a shard holds.

    Args:
        setting: the study's `queue.shard_size`, a number or "auto".
        n_requests_at_most: tasks that call a model; known before identical requests are merged.

    Returns:
        The setting, or a power of two from 32 to 512 near a 64th of the run.
    """
    if isinstance(setting, int):
        return setting
    wanted = max(1, n_requests_at_most // SHARDS_PER_RUN)
    power = 1 << (wanted.bit_length() - 1)
    nearest = power * 2 if wanted * 2 >= power * 3 else power
    return min(MAX_SHARD_SIZE, max(MIN_SHARD_SIZE, nearest))


def cut(rows: Iterable[tuple[Lot, Row]], size: int) -> Iterator[Shard[Row]]:
    """Shards as they fill up, then the rest of each lot in order of its first request.

    Args:
        rows: (lot, request) in plan order.
        size: requests a shard.
    """
    open_rows: dict[Lot, list[Row]] = {}
    number = 0
    for lot, row in rows:
        waiting = open_rows.setdefault(lot, [])
        waiting.append(row)
        if len(waiting) == size:
            yield Shard(number, lot, waiting)
            open_rows[lot] = []
            number += 1
    for lot, waiting in open_rows.items():
        if waiting:
            yield Shard(number, lot, waiting)
            number += 1


def grouped(shards: Iterable[Shard[Row]], group_rows: int = GROUP_ROWS) -> Iterator[list[Shard[Row]]]:
    """Whole shards for one row group each, at least `group_rows` rows in all but the last."""
    group: list[Shard[Row]] = []
    n_rows = 0
    for shard in shards:
        group.append(shard)
        n_rows += len(shard.rows)
        if n_rows >= group_rows:
            yield group
            group, n_rows = [], 0
    if group:
        yield group
