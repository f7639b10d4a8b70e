import contextlib

import pytest

from workers.watchdog import STUCK_S, ConsumerWatch, Running, Sample

LOOKS = range(int(STUCK_S) * 3)


def verdicts(sample_at):
    watch = ConsumerWatch(4)
    return [watch.is_stuck(sample_at(t), float(t)) for t in LOOKS]


def test_consumer_that_leaves_messages_waiting_beside_free_slots_is_stuck():
    found = verdicts(lambda _: Sample(3, 2, 7))
    assert found.index(True) == STUCK_S


@pytest.mark.parametrize(
    "sample_at",
    [
        pytest.param(lambda _: Sample(3, 4, 7), id="all-slots-busy"),
        pytest.param(lambda _: Sample(0, 0, 7), id="nothing-to-take"),
        pytest.param(lambda _: Sample(None, 0, 7), id="redis-away"),
        pytest.param(lambda t: Sample(3, 2, 5 * t), id="short-shards"),
        pytest.param(lambda t: Sample(3, 4 if t % 30 == 0 else 3, t // 10), id="now-and-then-full"),
        pytest.param(lambda t: Sample(None if t % 40 < 3 else 3, 0, 7), id="redis-comes-and-goes"),
    ],
)
def test_consumer_is_left_alone_otherwise(sample_at):
    assert True not in verdicts(sample_at)


def test_shards_in_work_are_counted_even_when_they_fail():
    running = Running()
    with running, running:
        assert running.n_running == 2
    with contextlib.suppress(KeyError), running:
        raise KeyError
    assert (running.n_running, running.n_taken) == (0, 3)
