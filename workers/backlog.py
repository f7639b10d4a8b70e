"""Which shards to publish next. Pure: plan minus landed, in turn over runs and models, within a window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from producer.enqueue import ShardMessage
from schemas import run_paths

MIN_WINDOW = 8
WINDOW_PER_SLOT = 4
"""Messages in the queue and in work per slot: enough to keep every slot busy, few enough to stay fair."""

REPUBLISH_IDLE_S = 15.0
"""A published shard that nobody holds counts as lost after this long if the queue is empty."""
REPUBLISH_BUSY_S = 90.0
"""The same while the queue is not empty, where it may still be waiting its turn."""


@dataclass(frozen=True)
class Stream:
    """The open shards of one run, generation and model, in plan order."""

    run_id: str
    generation: int
    shards: Sequence[int]
    landed: Set[str]

    def open_messages(self) -> Iterator[ShardMessage]:
        """Shards without a part."""
        for shard in self.shards:
            if run_paths.shard_unit(shard, self.generation) not in self.landed:
                yield ShardMessage(self.run_id, shard, self.generation)


@dataclass
class Published:
    """When each message was published last, on the keeper's clock."""

    at_s: dict[ShardMessage, float] = field(default_factory=dict)

    def forget_landed(self, landed: Mapping[str, Set[str]]) -> None:
        """Drop what has a part, and runs that are no longer open."""
        self.at_s = {
            m: t
            for m, t in self.at_s.items()
            if m.run_id in landed and run_paths.shard_unit(m.shard, m.generation) not in landed[m.run_id]
        }

    def forget_all(self) -> None:
        """Redis may have lost them."""
        self.at_s.clear()


def next_messages(
    streams: Iterable[Stream],
    published: Published,
    *,
    locked: Set[ShardMessage],
    n_queued: int,
    window: int,
    n_waiting: int,
    now_s: float,
) -> list[ShardMessage]:
    """Messages to publish now, at most `window - n_queued`.

    Args:
        streams: one per run and model; served in turn.
        published: earlier publications.
        locked: shards that a worker holds.
        n_queued: messages waiting or in work.
        window: bound on n_queued.
        n_waiting: messages waiting in the queue.
        now_s: the keeper's clock.
    """
    patience_s = REPUBLISH_IDLE_S if n_waiting == 0 else REPUBLISH_BUSY_S

    def due(message: ShardMessage) -> bool:
        if message in locked:
            return False
        at_s = published.at_s.get(message)
        return at_s is None or now_s - at_s > patience_s

    sources: list[Iterator[ShardMessage]] = [filter(due, stream.open_messages()) for stream in streams]
    return list(_in_turn(sources, max(0, window - n_queued)))


def _in_turn(sources: list[Iterator[ShardMessage]], limit: int) -> Iterator[ShardMessage]:
    live = list(sources)
    while live and limit > 0:
        for source in list(live):
            message = next(source, None)
            if message is None:
                live.remove(source)
                continue
            yield message
            limit -= 1
            if limit == 0:
                return
