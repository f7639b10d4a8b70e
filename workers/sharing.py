"""Which shards give their slot to a stream that waits. Pure.

A slot is held for the length of a shard, which may be a minute of quota. A pilot that opens beside a large run must
not wait for that: the keeper names as many shards as the newcomer lacks slots, and only those end early, with their
journals kept. Nothing is named while one stream is alone, so a lone run never pays for it.
"""

from collections.abc import Mapping, Sequence

from producer.enqueue import ShardMessage
from workers.backlog import Published, Stream

MIN_HOLD_S = 2.0
"""A shard keeps its slot at least so long: reading the plan and the journals again must stay a small part."""
SLICE_S = 15.0
"""With more streams than slots nobody has more than a share; then the longest holder makes room after so long."""
UNTAKEN_S = 2.0
"""A message that waits this long in the queue says that no slot is free, whatever the count of slots says."""


def giving_way(
    streams: Sequence[Stream],
    published: Published,
    *,
    held_since_s: Mapping[ShardMessage, float],
    n_waiting: int,
    slots: int,
    now_s: float,
) -> list[ShardMessage]:
    """Shards that should end early, the longest held first; as many as waiting streams lack slots.

    Args:
        streams: one per run, generation and model.
        published: publications that have not landed.
        held_since_s: those that a worker holds, with the moment from which it was seen to.
        n_waiting: messages in the queue.
        slots: shard slots of all live workers.
        now_s: the keeper's clock.
    """
    live = [stream for stream in streams if stream.is_open]
    if len(live) < 2:
        return []
    total = sum(stream.weight for stream in live)
    fair = [max(1, slots * stream.weight // total) for stream in live]
    held = [[m for m in held_since_s if m in stream] for stream in live]
    lacking = 0
    for stream, share, mine in zip(live, fair, held, strict=True):
        waiting = [t for m, t in published.at_s.items() if m not in held_since_s and m in stream]
        untaken = n_waiting > 0 and any(now_s - t >= UNTAKEN_S for t in waiting)
        if waiting and (len(held_since_s) >= slots or untaken):
            lacking += min(len(waiting), max(0, share - len(mine)))
    return _longest_held(held, fair, held_since_s, now_s)[:lacking]


def crowds_the_queue(
    streams: Sequence[Stream], published: Published, *, locked: frozenset[ShardMessage], shares: Sequence[int]
) -> bool:
    """A stream that was alone has filled the queue beyond the share it has now: others would wait behind it.

    Args:
        streams: live ones.
        published: publications that have not landed.
        locked: those that a worker holds.
        shares: what each stream may have out.
    """
    if len(streams) < 2:
        return False
    waiting = [m for m in published.at_s if m not in locked]
    return any(sum(m in s for m in waiting) > share for s, share in zip(streams, shares, strict=True))


def _longest_held(
    held: Sequence[Sequence[ShardMessage]], fair: Sequence[int], since_s: Mapping[ShardMessage, float], now_s: float
) -> list[ShardMessage]:
    def settled(least_s: float, candidates: Sequence[ShardMessage]) -> list[ShardMessage]:
        return sorted((m for m in candidates if now_s - since_s[m] >= least_s), key=since_s.__getitem__)

    over: list[ShardMessage] = []
    for mine, share in zip(held, fair, strict=True):
        over += sorted(mine, key=since_s.__getitem__)[: max(0, len(mine) - share)]
    if over:
        return settled(MIN_HOLD_S, over)
    return settled(SLICE_S, [m for mine in held for m in mine])[:1]
