"""A compiled chat endpoint for load: cheap enough that what is measured is the caller.

It is no emulator: one fixed answer, no faults, quotas kept by arrival times. `server.c` says what it serves. Compiled
at need with the C compiler at hand into the temporary folder of the caller; Linux only (epoll).
"""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("server.c")
COMPILERS = ("cc", "gcc", "clang")


def compiled(folder: Path) -> Path:
    """The server as a program in `folder`; compiled unless it is there.

    Raises:
        SystemExit: no C compiler; the sentence says so.
    """
    program = folder / "loopback"
    if program.exists():
        return program
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise SystemExit("engine benchmarks need a C compiler (cc, gcc or clang) for their loopback endpoint.")
    command = [compiler, "-O2", "-std=gnu17", "-Wall", "-Wextra", "-o", str(program), str(SOURCE), "-lm"]
    subprocess.run(command, check=True)
    return program


@dataclass(frozen=True)
class Loopback:
    """A running endpoint."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        """For SDKs and models files."""
        return f"{self._origin}/v1"

    def stats(self) -> dict[str, Any]:
        """Counts, windows and arrivals, as `server.c` describes them."""
        with urllib.request.urlopen(f"{self._origin}/stats", timeout=30) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def reset(self) -> None:
        """Forget counts and windows."""
        request = urllib.request.Request(f"{self._origin}/reset", method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    @property
    def _origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _schedule_first(pid: int) -> None:
    """Where the system lets us: a service has machines of its own, its clock must not wait for ours to be free."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return


@contextmanager
def running_loopback(program: Path, **options: float | str) -> Iterator[Loopback]:
    """The endpoint on a free port, ended at the end.

    Args:
        program: from `compiled`.
        options: as the program takes them, with underscores: latency_ms=50, rpm=6000, counting="actual".
    """
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen([str(program), *words], stdout=subprocess.PIPE, text=True)
    try:
        _schedule_first(process.pid)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("PORT "):
            raise RuntimeError(f"the loopback endpoint did not start: {line!r}")
        yield Loopback(int(line.split()[1]), process.pid)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
