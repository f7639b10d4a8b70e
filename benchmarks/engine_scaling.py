"""Whether more processes, a slow neighbour or a large run change what a run gets.

`python -m benchmarks.engine_scaling [--parts processes neighbour pilot] [--quick]`

processes: 32 calls in flight in each process and 1 s latency; calls a second of four workers over those of one.
neighbour: two models in one run, quotas alike; calls a second of the healthy one while the other answers ten times
slower, over its calls while both are healthy. pilot: a run of 100 requests beside one of 100,000 on the same quota;
seconds from its opening to its first answer and to its end, and the same alone.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.arrivals import rate
from benchmarks.figures import say, show
from benchmarks.loopback import Loopback, compiled, running_loopback
from benchmarks.rig import Rig, pause, running_rig, wait_until
from benchmarks.synthetic import Endpoint, open_run
from workers.progress import ProgressReader

WARM_UP_S = 8
IN_FLIGHT = 32
PILOT = 100
FIRST_CALL_WITHIN_S = 60.0
PILOT_WITHIN_S = 600.0


def processes(program: Path, seconds: int, _large: int) -> dict[str, float]:
    """Calls a second of one and of four workers; latency alone binds."""
    found = {f"per_s_{n}": _rate_of(program, n, seconds) for n in (1, 4)}
    return found | {"ratio": found["per_s_4"] / found["per_s_1"]}


def _rate_of(program: Path, n_workers: int, seconds: int) -> float:
    n_requests = IN_FLIGHT * n_workers * (WARM_UP_S + seconds + 10)
    with running_loopback(program, latency_ms=1000.0) as endpoint, running_rig() as rig:
        rig.start_workers(n_workers, in_flight=IN_FLIGHT, slots=4)
        open_run(rig.store, "load", [Endpoint("east", endpoint.base_url)], n_requests)
        return _rate_at(endpoint, seconds)


def _rate_at(endpoint: Loopback, seconds: int) -> float:
    wait_until(lambda: endpoint.stats()["arrived"] > 0, FIRST_CALL_WITHIN_S, "the first call")
    pause(WARM_UP_S + seconds + 1)
    return rate(endpoint.stats()["per_100ms"], WARM_UP_S, WARM_UP_S + seconds)


def neighbour(program: Path, seconds: int, _large: int) -> dict[str, float]:
    """Calls a second of a healthy model beside a healthy and beside a slow one."""
    rpm, latency_ms = 3000, 400.0
    found = {}
    for name, factor in (("per_s_beside_healthy", 1), ("per_s_beside_slow", 10)):
        with (
            running_loopback(program, latency_ms=latency_ms) as healthy,
            running_loopback(program, latency_ms=latency_ms * factor) as other,
            running_rig() as rig,
        ):
            rig.start_workers(2, in_flight=64, slots=4)
            arms = [Endpoint("healthy", healthy.base_url, rpm=rpm), Endpoint("other", other.base_url, rpm=rpm)]
            open_run(rig.store, "load", arms, rpm * (WARM_UP_S + seconds + 15) // 60)
            found[name] = _rate_at(healthy, seconds)
    return found | {"ratio": found["per_s_beside_slow"] / found["per_s_beside_healthy"]}


def pilot(program: Path, _seconds: int, large: int) -> dict[str, float]:
    """How long a small run takes beside a large one, and alone."""
    with running_loopback(program, latency_ms=400.0) as endpoint, running_rig() as rig:
        rig.start_workers(2, in_flight=64, slots=4)
        arm = Endpoint("east", endpoint.base_url, rpm=6000)
        alone = _timed_pilot(rig, arm, "alone")
        open_run(rig.store, "large", [arm], large)
        n_before = endpoint.stats()["arrived"]
        wait_until(lambda: endpoint.stats()["arrived"] > n_before + 1000, FIRST_CALL_WITHIN_S, "the large run")
        beside = _timed_pilot(rig, arm, "beside")
    return {
        f"{key}_{name}": value for name, found in (("alone", alone), ("beside", beside)) for key, value in found.items()
    }


def _timed_pilot(rig: Rig, arm: Endpoint, run_id: str) -> dict[str, float]:
    open_run(rig.store, run_id, [arm], PILOT)
    opened_s, progress = time.perf_counter(), ProgressReader(rig.store, run_id)
    found = {}
    wait_until(lambda: progress.read().n_settled > 0, PILOT_WITHIN_S, "the pilot's first answer")
    found["first_answer_s"] = time.perf_counter() - opened_s
    wait_until(lambda: progress.read().n_settled >= PILOT, PILOT_WITHIN_S, "the pilot's last answer")
    found["last_answer_s"] = time.perf_counter() - opened_s
    rig.until_finished(run_id, PILOT_WITHIN_S)
    found["done_s"] = time.perf_counter() - opened_s
    return found


PARTS: dict[str, Callable[[Path, int, int], dict[str, float]]] = {
    "processes": processes,
    "neighbour": neighbour,
    "pilot": pilot,
}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--seconds", type=int, default=20, help="length of each measurement of a rate")
    parser.add_argument("--large", type=int, default=100_000, help="requests of the large run")
    parser.add_argument("--quick", action="store_true", help="5 seconds, a large run of 10,000")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.large = 5, 10_000
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        program = compiled(Path(name))
        for part in given.parts:
            say(part)
            found = PARTS[part](program, given.seconds, given.large)
            figures[part] = {key: round(value, 3) for key, value in found.items()}
            say(f"  {figures[part]}")
    rows = [{"part": part, "figure": k, "value": v} for part, found in figures.items() for k, v in found.items()]
    show("engine_scaling", rows, {"given": vars(given), "figures": figures})


if __name__ == "__main__":
    main()
