"""All measurements, or those named, one after the other; kept as one file under benchmarks/results/.

`python -m benchmarks` runs everything (about half an hour), `python -m benchmarks engine_cpu --quick` one of them
in small. Each also runs alone with options of its own: `python -m benchmarks.engine_quota --runs 5`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.figures import machine, say

REPO = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


class Benchmark(NamedTuple):
    """A module that prints one JSON object, and its options for a quick look."""

    module: str
    quick: tuple[str, ...]


BENCHMARKS = {
    "engine_cpu": Benchmark("benchmarks.engine_cpu", ("--quick",)),
    "engine_quota": Benchmark("benchmarks.engine_quota", ("--quick",)),
    "engine_scaling": Benchmark("benchmarks.engine_scaling", ("--quick",)),
    "engine_memory": Benchmark("benchmarks.engine_memory", ("--quick",)),
    "batch_scale": Benchmark("benchmarks.batch_scale", ("--respondents", "300")),
    "plan_scale": Benchmark("benchmarks.plan_scale", ("--respondents", "300")),
    "finetune_scale": Benchmark("benchmarks.finetune_scale", ("20000",)),
    "survey_scale": Benchmark("benchmarks.survey_scale", ("--rows", "20000", "--columns", "30")),
    "evaluation_scale": Benchmark(
        "benchmarks.evaluation_scale", ("--arms", "2", "--respondents", "500", "--draws", "200")
    ),
}


def run_one(name: str, *, quick: bool) -> dict[str, Any] | None:
    """Figures of one measurement; None if it failed, its own words are on standard error."""
    benchmark = BENCHMARKS[name]
    command = [sys.executable, "-m", benchmark.module, *(benchmark.quick if quick else ())]
    done = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        say(f"{name} failed with exit code {done.returncode}")
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 1 if a measurement failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, roughly what comes out")
    given = parser.parse_args(arguments)
    names = given.names if given.names else list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    found: dict[str, dict[str, Any] | None] = {}
    for name in names:
        say(f"== {name}")
        found[name] = run_one(name, quick=given.quick)
        if found[name] is not None and not name.startswith("engine"):
            say(json.dumps(found[name]))
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.json"
    target.write_text(json.dumps({"machine": machine(), "quick": given.quick, "results": found}, indent=1), "utf-8")
    say(f"\nkept in {target.relative_to(REPO)}")
    return int(None in found.values())


if __name__ == "__main__":
    sys.exit(main())
