"""Processor time per prediction from queue to landed Parquet, workers and Redis together, beside the SDK's plain loop.

`python -m benchmarks.engine_cpu [--requests 10000] [--workers 1 2 4] [--repeats 3] [--quick]`

Each repetition measures the plain loop and each number of workers one after the other, so that they share the
machine's mood. Every process first answers some requests unmeasured (imports, connections). The endpoint's quota
does not bind. `landed` ends with the last part, `finished` with predictions.parquet.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import say, show, spread
from benchmarks.loopback import Loopback, compiled, running_loopback
from benchmarks.rig import REPO, Rig, pause, running_rig
from benchmarks.synthetic import Endpoint, open_run
from schemas import run_paths

IDLE_S = 3.0
WARM_UP_PER_WORKER = 1024
DEADLINE_S = 600.0
COLUMNS = ("landed_ms", "workers_ms", "redis_ms", "finished_ms", "per_s", "idle_cpu_ms_per_s", "start_cpu_s_per_worker")


def engine(endpoint: Loopback, n: int, n_workers: int, in_flight: int, slots: int) -> dict[str, float]:
    """One repetition with real workers."""
    with running_rig() as rig:
        rig.start_workers(n_workers, in_flight=in_flight, slots=slots)
        started = rig.cpu()
        open_run(rig.store, "warm", [Endpoint("east", endpoint.base_url)], WARM_UP_PER_WORKER * n_workers)
        rig.until_finished("warm", DEADLINE_S)
        warm = rig.cpu()
        pause(IDLE_S)
        idle = rig.cpu() - warm
        found = _measured(rig, endpoint, n)
    return found | {
        "start_cpu_s_per_worker": round(started.workers_s / n_workers, 3),
        "idle_cpu_ms_per_s": round(1000 * idle.total_s / IDLE_S, 2),
    }


def _measured(rig: Rig, endpoint: Loopback, n: int) -> dict[str, float]:
    before, started_s = rig.cpu(), time.perf_counter()
    open_run(rig.store, "load", [Endpoint("east", endpoint.base_url)], n)
    planned_s = time.perf_counter()
    rig.until_landed("load", DEADLINE_S)
    landed, seconds = rig.cpu() - before, time.perf_counter() - planned_s
    rig.until_finished("load", DEADLINE_S)
    finished = rig.cpu() - before
    return {
        "landed_ms": 1000 * landed.total_s / n,
        "workers_ms": 1000 * landed.workers_s / n,
        "redis_ms": 1000 * landed.redis_s / n,
        "finished_ms": 1000 * finished.total_s / n,
        "per_s": n / seconds,
        "plan_s": planned_s - started_s,
    }


def plain_loop(plan: Path, endpoint: Loopback, n: int, in_flight: int) -> dict[str, float]:
    """One repetition of the SDK's loop, in a process of its own."""
    words = ["benchmarks.sdk_loop", str(plan), endpoint.base_url, str(n), str(in_flight)]
    done = subprocess.run([sys.executable, "-m", *words], check=True, cwd=REPO, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return {"landed_ms": 1000 * found["cpu_s"] / n, "per_s": n / found["seconds"]}


def measure(given: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """All repetitions by name of what ran."""
    results: dict[str, list[dict[str, float]]] = {}
    with (
        tempfile.TemporaryDirectory() as name,
        running_rig() as rig,
        running_loopback(compiled(Path(name)), latency_ms=given.latency_ms) as endpoint,
    ):
        open_run(rig.store, "prompts", [Endpoint("east", endpoint.base_url)], given.requests)
        plan = rig.store.path(run_paths.plan("prompts"))
        for repeat in range(given.repeats):
            say(f"repetition {repeat + 1} of {given.repeats}")
            one = plain_loop(plan, endpoint, given.requests, given.in_flight)
            say(f"  sdk loop: {one}")
            results.setdefault("sdk loop", []).append(one)
            for n in given.workers:
                one = engine(endpoint, given.requests, n, given.in_flight, given.slots)
                say(f"  {n} workers: {one}")
                results.setdefault(f"{n} workers", []).append(one)
    return results


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--quick", action="store_true", help="1,000 requests, one repetition")
    given = parser.parse_args()
    if given.quick:
        given.requests, given.repeats = 1000, 1
    results = measure(given)
    figures = {name: {key: spread([one[key] for one in found]) for key in found[0]} for name, found in results.items()}
    rows = [{"": name} | {key: _median(f, key) for key in COLUMNS} for name, f in figures.items()]
    show("engine_cpu", rows, {"given": vars(given), "figures": figures})


def _median(figures: dict[str, dict[str, float]], key: str) -> str:
    return f"{figures[key]['median']:.3f}" if key in figures else "-"


if __name__ == "__main__":
    main()
