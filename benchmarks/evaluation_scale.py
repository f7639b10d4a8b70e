"""How long the evaluation of a large run takes, and how much memory.

`python benchmarks/evaluation_scale.py` builds a synthetic run of 20 arms x 10 questions x 5,000 respondents in a
temporary folder, evaluates it in a fresh process with 2,000 bootstrap draws and prints one JSON object: seconds of
the evaluation (reading and writing included), of the report after it, and the peak resident memory of that process.
Two subgroup variables with eleven groups are scored too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from evaluation.job import evaluate_run  # noqa: E402  (the repository's rooms are found from its root)
from evaluation.reporting.report import write_report  # noqa: E402
from storage.store import Store  # noqa: E402
from tests.support.runs_folder import ArmRows, RunFolder, variable  # noqa: E402

TARGET_SECONDS = 60
TARGET_MB = 2048


def main() -> None:
    """Build a run and evaluate it, or evaluate the run of `--evaluate` in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", type=int, default=20)
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--respondents", type=int, default=5000)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--evaluate", type=Path, help="store that holds the run already")
    given = parser.parse_args()
    if given.evaluate is not None:
        print(json.dumps(evaluated(given.evaluate)))
        return
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), given)
        command = [sys.executable, __file__, "--evaluate", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    n = given.arms * given.questions * given.respondents
    figures = {"benchmark": "evaluation_scale", "predictions": n, "draws": given.draws}
    targets = {"target_seconds": TARGET_SECONDS, "target_mb": TARGET_MB}
    print(json.dumps(figures | json.loads(done.stdout) | targets))


def evaluated(root: Path) -> dict[str, float]:
    """Evaluate and measure."""
    started = time.perf_counter()
    phases: list[tuple[str, float]] = []
    found = evaluate_run(Store(root), "run-1", progress=lambda what: phases.append((what, time.perf_counter())))
    seconds = time.perf_counter() - started
    report_started = time.perf_counter()
    page = write_report(Store(root), "run-1", found)
    report_seconds = time.perf_counter() - report_started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ends = [*(at for _, at in phases[1:]), started + seconds]
    spent: dict[str, float] = {}
    for (what, at), end in zip(phases, ends, strict=True):
        name = "baselines" if what.startswith("baselines") else what
        spent[name] = round(spent.get(name, 0.0) + end - at, 2)
    report = {"report_seconds": round(report_seconds, 2), "report_mb": round(page.stat().st_size / 1e6, 2)}
    return {"seconds": round(seconds, 2), "peak_rss_mb": round(peak_mb), "rows": len(found.rows)} | report | spent


def build(root: Path, given: argparse.Namespace) -> None:
    """Write the run: answers follow the truth in part, and the truth a persona field in part."""
    rng = np.random.default_rng(1)
    n = given.respondents
    fields = {f"F{i}": rng.integers(1, 8, n).tolist() for i in range(8)} | {"AGE": rng.integers(18, 95, n).tolist()}
    questions = [variable(f"Q{i}", range(1, 6), scale="ordinal") for i in range(given.questions)]
    base = np.array(fields["F0"])
    truth = {q.name: np.where(rng.random(n) < 0.3, base.clip(1, 5), rng.integers(0, 6, n)) for q in questions}
    arms = {
        f"arm{a}": {
            q: ArmRows(np.where(rng.random(n) < 0.2, codes, rng.integers(0, 6, n))) for q, codes in truth.items()
        }
        for a in range(given.arms)
    }
    weights = rng.gamma(2, 0.5, n) + 0.05
    groups = {"G0": rng.integers(1, 5, n).tolist(), "G1": rng.integers(1, 8, n).tolist()}
    folder = RunFolder(questions, truth, arms, fields, weights, numeric=["AGE"], bootstrap=given.draws, groups=groups)
    folder.write(root)


if __name__ == "__main__":
    main()
