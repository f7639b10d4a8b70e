from producer.enqueue import ShardMessage
from schemas.run_paths import shard_unit
from workers.backlog import Published, Stream, shares_of
from workers.sharing import MIN_HOLD_S, SLICE_S, UNTAKEN_S, crowds_the_queue, giving_way


def stream(run_id, n=100, weight=1, landed=()):
    return Stream(run_id, 0, range(n), {shard_unit(s) for s in landed}, weight)


def messages(run_id, *shards):
    return [ShardMessage(run_id, s, 0) for s in shards]


def asked(streams, held, waiting, *, slots=8, now_s=100.0, n_waiting=0):
    published = Published(dict.fromkeys(held, 0.0) | waiting)
    return giving_way(streams, published, held_since_s=held, n_waiting=n_waiting, slots=slots, now_s=now_s)


def held_by(run_id, n, since_s=0.0):
    return {m: since_s + m.shard for m in messages(run_id, *range(n))}


def test_lone_stream_is_never_asked_for_room():
    assert asked([stream("big")], held_by("big", 8), dict.fromkeys(messages("big", 8, 9), 0.0)) == []


def test_newcomer_gets_as_many_slots_as_it_has_shards_from_those_that_held_longest():
    waiting = dict.fromkeys(messages("pilot", 0, 1), 100.0)
    assert asked([stream("big"), stream("pilot", 2)], held_by("big", 8), waiting) == messages("big", 0, 1)


def test_newcomer_gets_no_more_than_its_share():
    waiting = dict.fromkeys(messages("other", *range(20)), 100.0)
    assert len(asked([stream("big"), stream("other")], held_by("big", 8), waiting)) == 4
    assert len(asked([stream("big", weight=3), stream("other")], held_by("big", 8), waiting)) == 2


def test_streams_at_their_share_are_left_alone():
    held = held_by("big", 4) | held_by("other", 4)
    assert asked([stream("big"), stream("other")], held, dict.fromkeys(messages("other", 9), 0.0)) == []


def test_nobody_gives_way_while_a_slot_is_free():
    waiting = dict.fromkeys(messages("pilot", 0), 99.0)
    streams = [stream("big"), stream("pilot", 1)]
    assert asked(streams, held_by("big", 7), waiting, n_waiting=1) == []
    late = dict.fromkeys(messages("pilot", 0), 100.0 - UNTAKEN_S)
    assert len(asked(streams, held_by("big", 7), late, n_waiting=1)) == 1


def test_shard_keeps_its_slot_for_a_while():
    waiting = dict.fromkeys(messages("pilot", 0), 100.0)
    held = dict.fromkeys(messages("big", *range(8)), 100.0 - MIN_HOLD_S / 2)
    assert asked([stream("big"), stream("pilot", 1)], held, waiting) == []


def test_more_streams_than_slots_take_slices_of_time():
    streams = [stream(name) for name in ("a", "b", "c")]
    held = {**held_by("a", 1), **held_by("b", 1, since_s=1.0)}
    waiting = dict.fromkeys(messages("c", 0), 0.0)
    assert asked(streams, held, waiting, slots=2, now_s=SLICE_S - 1) == []
    assert asked(streams, held, waiting, slots=2, now_s=SLICE_S + 1) == messages("a", 0)


def test_queue_filled_by_one_stream_is_crowded_once_another_comes():
    locked = frozenset(messages("big", *range(8)))
    published = Published(dict.fromkeys(messages("big", *range(32)), 0.0))
    alone, both = [stream("big")], [stream("big"), stream("pilot", 1)]
    assert not crowds_the_queue(alone, published, locked=locked, shares=shares_of(alone, 8))
    assert crowds_the_queue(both, published, locked=locked, shares=shares_of(both, 8))
    published.forget(set(published.at_s) - locked)
    assert not crowds_the_queue(both, published, locked=locked, shares=shares_of(both, 8))
