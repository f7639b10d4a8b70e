"""Time and memory of `inspect`, `check` and `plan` on a large generated .sav, as the command line runs them.

    python -m benchmarks.survey_scale                            1,000,000 x 60
    python -m benchmarks.survey_scale --columns 300
    python -m benchmarks.survey_scale --rows 20000 --columns 30  a quick look

Prints one JSON object: seconds on the clock; peak memory of the process and the one it reads with, together, as
proportional set size sampled every 0.1 s, and the larger one's peak resident memory as the kernel counts it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyreadstat

from benchmarks.figures import say, show

REPO = Path(__file__).resolve().parent.parent
SAMPLE_S = 0.1
LABELS = {1: "Very good", 2: "Good", 3: "Fair", 4: "Poor", 5: "Very poor", 99: "Refused"}
STUDY = """\
study: scale
survey: {file: scale.sav, respondent_id: ID, weight: WEIGHT}
missing: {default: {refused: [99]}}
persona: {fields: [AGE, V1, V2, V3]}
questions: {V4: {scale: ordinal}, V5: {}}
arms: {basic: {model: mini, strategy: basic}}
"""
MODELS = """\
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    parameters: {temperature: 0, max_completion_tokens: 8}
    deployments: [{name: here, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 6000, tpm: 1_000_000}]
"""


def write_survey(path: Path, n_rows: int, n_columns: int) -> None:
    """A labelled .sav of random answers; id, weight and age come first."""
    rng = np.random.default_rng(5)
    codes = np.array([1, 2, 3, 4, 5, 99], dtype=np.int8)
    columns: dict[str, Any] = {
        "ID": np.arange(n_rows) + 1_000_000,
        "WEIGHT": rng.gamma(4, 0.25, n_rows),
        "AGE": rng.integers(18, 98, n_rows, dtype=np.int8),
    }
    names = [f"V{i}" for i in range(1, n_columns - 2)]
    columns |= {name: codes[rng.integers(0, 6, n_rows, dtype=np.int8)] for name in names}
    pyreadstat.write_sav(
        pd.DataFrame(columns),
        str(path),
        column_labels=["", "Weight", "Age", *(f"{name}. What do you think of topic {name[1:]}?" for name in names)],
        variable_value_labels=dict.fromkeys(names, LABELS),
        row_compress=True,
    )


def measure(folder: Path, *arguments: str) -> dict[str, float | int | str]:
    """Run one command line in a process of its own."""
    environ = os.environ | {"PYTHONPATH": str(REPO), "NIGHTPOLL_STORE": str(folder / "store")}
    started_s = time.perf_counter()
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "cli.main", *arguments], cwd=folder, env=environ, stdout=said)
        peak = _Peak(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        peak.stop()
    return {
        "command": arguments[0],
        "took_s": round(time.perf_counter() - started_s, 1),
        "together_mb": round(peak.most_bytes / 1e6),
        "largest_process_mb": round(usage.ru_maxrss / 1024 * 1.048576),
        "exit_code": os.waitstatus_to_exitcode(status),
    }


class _Peak:
    """Samples the memory of a process and its children until stopped."""

    def __init__(self, pid: int) -> None:
        self.most_bytes = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self.most_bytes = max(self.most_bytes, _memory_bytes(self._pid))


def _memory_bytes(pid: int) -> int:
    total = 0
    try:
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            total += int(one.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return total
    return total


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=60)
    parser.add_argument("--commands", nargs="*", default=["inspect", "check", "plan"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        say(f"writing {args.rows:,} x {args.columns} ...")
        write_survey(folder / "scale.sav", args.rows, args.columns)
        (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
        (folder / "models.yaml").write_text(MODELS, encoding="utf-8")
        file_mb = round((folder / "scale.sav").stat().st_size / 1e6)
        rows = []
        for command in args.commands:
            target = "scale.sav" if command == "inspect" else "study.yaml"
            rows.append(measure(folder, command, target))
            say(str(rows[-1]))
    show("survey_scale", rows, {"rows": args.rows, "columns": args.columns, "file_mb": file_mb, "commands": rows})


if __name__ == "__main__":
    main()
