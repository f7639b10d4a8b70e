"""Which shards to publish next. Pure: plan minus landed, in turn over runs and models, within a window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

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
    """The open shards of one run, generation and model, in plan order.

    Attributes:
        weight: turns in a row, and share of the slots, against streams of weight 1.
    """

    run_id: str
    generation: int
    shards: Sequence[int]
    landed: Set[str]
    weight: int = 1

    def __contains__(self, message: ShardMessage) -> bool:
        return message.run_id == self.run_id and message.generation == self.generation and message.shard in self._own

    @cached_property
    def _own(self) -> frozenset[int]:
        return frozenset(self.shards)

    @property
    def is_open(self) -> bool:
        """A shard has no part yet."""
        return next(self.open_messages(), None) is not None

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

    def forget(self, messages: Iterable[ShardMessage]) -> None:
        """Drop what is no longer on its way."""
        for message in messages:
            self.at_s.pop(message, None)

    def forget_all(self) -> None:
        """Redis may have lost them."""
        self.at_s.clear()


def next_messages(
    streams: Iterable[Stream],
    published: Published,
    *,
    locked: Set[ShardMessage],
    n_waiting: int,
    slots: int,
    now_s: float,
) -> list[ShardMessage]:
    """Messages to publish now.

    One stream alone may fill the window. Several share the slots by weight, each with no more messages out than its
    share: shards of a slow model can then never take the slots that a fast one needs.

    Args:
        streams: one per run, generation and model; served in turn.
        published: earlier publications that have not landed.
        locked: those of them that a worker holds.
        n_waiting: messages waiting in the queue.
        slots: shard slots of all live workers.
        now_s: the keeper's clock.
    """
    patience_s = REPUBLISH_IDLE_S if n_waiting == 0 else REPUBLISH_BUSY_S

    def is_out(message: ShardMessage) -> bool:
        at_s = published.at_s.get(message)
        return message in locked or (at_s is not None and now_s - at_s <= patience_s)

    live = [stream for stream in streams if stream.is_open]
    window = max(MIN_WINDOW, WINDOW_PER_SLOT * slots)
    shares = shares_of(live, slots)
    room = window - n_waiting - len(locked)
    sources = []
    for stream, share in zip(live, shares, strict=True):
        out = sum(1 for m in published.at_s if m in stream and is_out(m))
        due = (m for m in stream.open_messages() if not is_out(m))
        sources.append((islice(due, max(0, share - out)), stream.weight))
    return list(islice(_in_turn(sources), max(0, room)))


def shares_of(streams: Sequence[Stream], slots: int) -> list[int]:
    """Messages that each live stream may have out: the whole window if it is alone, else its part of the slots."""
    if len(streams) <= 1:
        return [max(MIN_WINDOW, WINDOW_PER_SLOT * slots)] * len(streams)
    total = sum(stream.weight for stream in streams)
    return [max(2, max(slots, MIN_WINDOW) * stream.weight // total) for stream in streams]


def _in_turn(sources: Sequence[tuple[Iterator[ShardMessage], int]]) -> Iterator[ShardMessage]:
    live = list(sources)
    while live:
        for source, weight in list(live):
            turn = list(islice(source, weight))
            if not turn:
                live.remove((source, weight))
            yield from turn
