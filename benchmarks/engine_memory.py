"""Memory of Redis and of the workers while a very large run is open.

`python -m benchmarks.engine_memory [--requests 1000000] [--answered 200000] [--workers 2] [--quick]`

The run is planned and opened whole; workers answer until so many requests have landed, while used_memory and the
resident memory of every worker are read once a second.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.figures import say, show
from benchmarks.loopback import Loopback, compiled, running_loopback
from benchmarks.rig import Rig, pause, running_rig
from benchmarks.synthetic import Endpoint, open_run

ROWS = 10
STALLED_S = 120.0


def watch(rig: Rig, endpoint: Loopback, answered: int) -> list[dict[str, float]]:
    """One sample a second until the endpoint has answered so many."""
    samples: list[dict[str, float]] = []
    n, changed_s = 0, time.monotonic()
    while n < answered:
        pause(1.0)
        now = endpoint.stats()["answered"]
        changed_s = time.monotonic() if now > n else changed_s
        if time.monotonic() - changed_s > STALLED_S:
            raise TimeoutError(f"no answer for {STALLED_S:.0f} s after {n:,}")
        n = now
        used_mb, peak_mb = rig.redis_memory_mb()
        rss = rig.worker_rss_mb()
        samples.append(
            {
                "answered": n,
                "redis_used_mb": round(used_mb, 2),
                "redis_peak_mb": round(peak_mb, 2),
                "worker_rss_mb_min": round(min(rss), 1),
                "worker_rss_mb_max": round(max(rss), 1),
            }
        )
    return samples


def thinned(samples: list[dict[str, float]], n: int) -> list[dict[str, float]]:
    """About n samples at equal steps, the last one among them."""
    step = max(1, len(samples) // n)
    return samples[::-1][::step][::-1]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--answered", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="20,000 requests, 5,000 answered")
    given = parser.parse_args()
    if given.quick:
        given.requests, given.answered = 20_000, 5_000
    with (
        tempfile.TemporaryDirectory() as name,
        running_rig() as rig,
        running_loopback(compiled(Path(name)), latency_ms=50.0) as endpoint,
    ):
        say(f"planning {given.requests:,} requests")
        started_s = time.perf_counter()
        manifest = open_run(rig.store, "load", [Endpoint("east", endpoint.base_url)], given.requests)
        planned_s = time.perf_counter() - started_s
        rig.start_workers(given.workers, in_flight=64, slots=4)
        before, started_s = rig.cpu(), time.perf_counter()
        samples = watch(rig, endpoint, given.answered)
        used, seconds = rig.cpu() - before, time.perf_counter() - started_s
    n = samples[-1]["answered"]
    figures = {
        "open_requests": manifest.totals.n_requests,
        "plan_s": round(planned_s, 1),
        "redis_peak_mb": max(s["redis_peak_mb"] for s in samples),
        "worker_rss_peak_mb": max(s["worker_rss_mb_max"] for s in samples),
        "cpu_ms": round(1000 * used.total_s / n, 3),
        "per_s": round(n / seconds, 1),
    }
    rows = thinned(samples, ROWS)
    say(f"{figures}")
    show("engine_memory", rows, {"given": vars(given), "figures": figures, "samples": rows})


if __name__ == "__main__":
    main()
