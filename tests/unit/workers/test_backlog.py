from producer.enqueue import ShardMessage
from schemas.run_paths import shard_unit
from workers.backlog import MIN_WINDOW, REPUBLISH_BUSY_S, REPUBLISH_IDLE_S, Published, Stream, next_messages


def stream(run_id="run", shards=range(100), landed=(), weight=1):
    return Stream(run_id, 0, list(shards), {shard_unit(s) for s in landed}, weight)


def due(streams, published=None, **overrides):
    options = {"locked": frozenset(), "n_waiting": 0, "slots": 4, "now_s": 0.0} | overrides
    return next_messages(streams, Published() if published is None else published, **options)


def test_window_bounds_what_is_published():
    assert len(due([stream()])) == 16
    assert len(due([stream()], n_waiting=10)) == 6
    assert due([stream()], n_waiting=16) == []
    assert len(due([stream()], slots=0)) == MIN_WINDOW


def test_runs_take_turns_and_share_the_slots():
    messages = due([stream("big", range(1000)), stream("pilot", range(2))])
    assert [m.run_id for m in messages] == ["big", "pilot", "big", "pilot", "big", "big"]


def test_slow_stream_gets_no_more_than_its_share():
    out = Published({ShardMessage("slow", s, 0): 0.0 for s in range(4)})
    messages = due([stream("slow"), stream("fast")], out, locked=frozenset(out.at_s), slots=8, now_s=1000.0)
    assert {m.run_id for m in messages} == {"fast"}


def test_priority_is_turns_and_share():
    messages = due([stream("a", weight=3), stream("b")], slots=16)
    assert [m.run_id for m in messages[:8]] == ["a", "a", "a", "b", "a", "a", "a", "b"]
    assert [m.run_id for m in messages].count("a") == 12


def test_landed_and_locked_shards_are_left_alone():
    messages = due([stream(landed=[0, 1])], locked={ShardMessage("run", 2, 0)})
    assert [m.shard for m in messages][:4] == [3, 4, 5, 6]


def test_published_shard_is_published_again_only_when_it_counts_as_lost():
    published = Published({ShardMessage("run", 0, 0): 0.0})
    one = [stream(shards=[0])]
    assert due(one, published, now_s=REPUBLISH_IDLE_S - 1) == []
    assert len(due(one, published, now_s=REPUBLISH_IDLE_S + 1)) == 1
    assert due(one, published, now_s=REPUBLISH_IDLE_S + 1, n_waiting=3) == []
    assert len(due(one, published, now_s=REPUBLISH_BUSY_S + 1, n_waiting=3)) == 1


def test_landed_publications_are_forgotten():
    published = Published({ShardMessage("run", s, 0): 0.0 for s in range(3)} | {ShardMessage("gone", 0, 0): 0.0})
    published.forget_landed({"run": {shard_unit(1)}})
    assert {m.shard for m in published.at_s} == {0, 2}
