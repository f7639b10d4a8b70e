"""The bound on open calls against a simulated server of one's own that answers few at a time and queues the rest."""

import heapq
from collections import Counter, deque
from random import Random
from typing import NamedTuple

import pytest

from workers.limits.gate import LEAST, AdaptiveGate

PATIENCE_S = 60.0
MOST_ATTEMPTS = 6


class Seen(NamedTuple):
    n_answered: int
    n_time_outs: int
    took_s: float


class SlowServer:
    """Answers `n_slots` at a time, in order of arrival, also calls that nobody waits for any more."""

    def __init__(self, gates: list[AdaptiveGate], n_requests: int, *, n_slots: int, service_s: float) -> None:
        self.gates, self.n_slots, self.service_s = gates, n_slots, service_s
        self.todo = deque((request, 1) for request in range(n_requests))
        self.open = Counter[int]()
        self.queue = deque[tuple[int, int, int]]()
        self.waited_for = set[tuple[int, int, int]]()
        self.events: list[tuple[float, int, str, tuple[int, int, int]]] = []
        self.rng, self.n_busy, self.n_events = Random(7), 0, 0
        self.n_answered = self.n_time_outs = self.n_lost = 0

    def run(self) -> Seen:
        """Until every request is answered or out of attempts."""
        n, now_s = len(self.todo), 0.0
        self._move(now_s)
        while self.n_answered + self.n_lost < n:
            now_s, _, kind, call = heapq.heappop(self.events)
            {"served": self._served, "timeout": self._timed_out, "again": self._again}[kind](now_s, call)
            self._move(now_s)
        return Seen(self.n_answered, self.n_time_outs, now_s)

    def _at(self, at_s: float, kind: str, call: tuple[int, int, int]) -> None:
        self.n_events += 1
        heapq.heappush(self.events, (at_s, self.n_events, kind, call))

    def _move(self, now_s: float) -> None:
        for process, gate in enumerate(self.gates):
            while self.todo and self.open[process] < int(gate.limit):
                call = (process, *self.todo.popleft())
                self.open[process] += 1
                self.waited_for.add(call)
                self.queue.append(call)
                self._at(now_s + PATIENCE_S, "timeout", call)
        while self.n_busy < self.n_slots and self.queue:
            self.n_busy += 1
            self._at(now_s + self.service_s * self.rng.uniform(0.7, 1.3), "served", self.queue.popleft())

    def _served(self, now_s: float, call: tuple[int, int, int]) -> None:
        self.n_busy -= 1
        if call in self.waited_for:
            self._closed(call)
            self.n_answered += 1
            self.gates[call[0]].went_well()

    def _timed_out(self, now_s: float, call: tuple[int, int, int]) -> None:
        if call in self.waited_for:
            self._closed(call)
            self.n_time_outs += 1
            self.gates[call[0]].went_badly(now_s, timed_out=True)
            self.n_lost += call[2] >= MOST_ATTEMPTS
            if call[2] < MOST_ATTEMPTS:
                self._at(now_s + self.rng.uniform(0, min(20.0, 0.5 * 2.0 ** call[2])), "again", call)

    def _again(self, now_s: float, call: tuple[int, int, int]) -> None:
        self.todo.append((call[1], call[2] + 1))

    def _closed(self, call: tuple[int, int, int]) -> None:
        self.waited_for.remove(call)
        self.open[call[0]] -= 1


@pytest.mark.parametrize(("n_processes", "service_s"), [(1, 10.0), (2, 10.0), (1, 20.0), (2, 20.0)])
def test_server_that_answers_two_at_a_time_is_not_called_into_time_outs_for_ever(n_processes, service_s):
    gates = [AdaptiveGate(128) for _ in range(n_processes)]

    seen = SlowServer(gates, 200, n_slots=2, service_s=service_s).run()

    assert seen.n_answered >= 190  # 5 of 200 where never fewer than LEAST are open
    assert seen.took_s < 3 * 200 * service_s / 2


def test_service_that_stalls_now_and_then_keeps_the_usual_least():
    gate, now_s = AdaptiveGate(128), 0.0
    for _ in range(50):
        for _ in range(40):
            gate.went_well()
        now_s += 2.0
        gate.went_badly(now_s, timed_out=True)
        assert gate.limit >= LEAST


def test_bound_below_the_least_is_not_raised_by_other_trouble():
    gate = AdaptiveGate(128)
    for at_s in range(10):
        gate.went_badly(2.0 * at_s, timed_out=True)
    assert gate.limit == 1
    gate.went_badly(100.0)
    assert gate.limit == 1
