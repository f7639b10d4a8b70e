"""Makes the pictures of README and tutorial from real output: the end of the demo, `status --watch`, a report.

python -m docs.pictures [demo] [status] [report]     all of them without an argument; the report needs chromium
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cli.follow import Watcher
from cli.watch_all import screen
from emulator.config import EmulatorConfig
from emulator.process import start_emulator
from storage.store import open_store

FOLDER = Path(__file__).parent / "pictures"
LIMIT_BYTES = 150_000
_ELSEWHERE = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""What names other hosts: fonts and a credit."""

_BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,760"]


def demo(scratch: Path) -> None:
    """The end of the demo: the status line, the first rows of its figures, the path of the result."""
    said = _nightpoll(scratch, "demo").splitlines()
    wanted = [line for line in said if " | finished: " in line][-1:]
    start = next(i for i, line in enumerate(said) if line.startswith("Accuracy and distribution"))
    wanted += [line for line in said if line.startswith("SIMULATED_SERVICE")][:1]
    wanted += ["", *(line.partition("SIMULATED_SERVICE")[0].rstrip(" │") for line in said[start : start + 14])]
    wanted += [line for line in said if line.endswith("predictions.parquet")][-1:]
    console = Console(record=True, file=StringIO(), width=112)
    console.print("[bold green]$[/] make demo", highlight=False)
    for line in wanted:
        console.print(Text.from_ansi(line.replace(str(scratch), "~/nightpoll")), no_wrap=True, crop=True)
    _save(console, "demo", "make demo")


def status(scratch: Path) -> None:
    """Two runs at work, as the screen of `status --watch` shows them."""
    with_delay = EmulatorConfig.model_validate({"latency": {"median_s": 0.5}, "faults": {"error_500": 0.02}})
    emulator = start_emulator(with_delay, scratch)
    try:
        ids = ("anes96-tonight", "anes96-pilot")
        for run_id, options in zip(ids, ([], ["--pilot", "300", "--fresh"]), strict=True):
            _study(scratch / run_id, scratch, emulator.base_url)
            _nightpoll(scratch, "run", run_id, "--run-id", run_id, "--yes", "--detach", *options)
        store = open_store(str(scratch / "runs"), None)
        watchers = {run_id: Watcher(store, run_id) for run_id in ids}
        views = {run_id: watcher.look() for run_id, watcher in watchers.items()}
        while views[ids[0]].progress.n_settled < 2_000:
            _nightpoll(scratch, "list")  # something to do meanwhile: a look a second or so
            views = {run_id: watcher.look() for run_id, watcher in watchers.items()}
        console = Console(record=True, file=StringIO(), width=112)
        console.print("[bold green]$[/] nightpoll status --watch", highlight=False)
        console.print(screen(views))
        _save(console, "status", "nightpoll status --watch")
        for run_id in ids:
            _nightpoll(scratch, "cancel", run_id)
    finally:
        emulator.stop()


def report(scratch: Path) -> None:
    """The first screen of a report."""
    emulator = start_emulator(EmulatorConfig(), scratch)
    try:
        _study(scratch / "anes", scratch, emulator.base_url)
        _nightpoll(scratch, "run", "anes", "--run-id", "anes96", "--yes", "--fresh")
    finally:
        emulator.stop()
    _nightpoll(scratch, "evaluate", "anes96", "--report", "report.html")
    picture = FOLDER / "report.png"
    command = [*_BROWSER, f"--screenshot={picture}", (scratch / "report.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own page
    _check_size(picture)


PICTURES: dict[str, Callable[[Path], None]] = {"demo": demo, "status": status, "report": report}


def _study(folder: Path, scratch: Path, base_url: str) -> None:
    _nightpoll(scratch, "init", folder.name)
    models = folder / "models.yaml"
    models.write_text(models.read_text("utf-8").replace("http://127.0.0.1:8765/v1", base_url), encoding="utf-8")


def _nightpoll(scratch: Path, *arguments: str) -> str:
    environ = os.environ | {"NIGHTPOLL_STORE": str(scratch / "runs"), "COLUMNS": "400", "NIGHTPOLL_LINGER_S": "5"}
    command = [sys.executable, "-m", "cli.main", *arguments]
    environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
    done = subprocess.run(command, cwd=scratch, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode:
        sys.exit(f"nightpoll {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def _save(console: Console, name: str, title: str) -> None:
    """As SVG, with the fonts of whoever looks: an address of a font on another host has no place in a page."""
    picture = FOLDER / f"{name}.svg"
    picture.write_text(_ELSEWHERE.sub("", console.export_svg(title=title, unique_id=name)), encoding="utf-8")
    _check_size(picture)


def _check_size(picture: Path) -> None:
    if picture.stat().st_size > LIMIT_BYTES:
        sys.exit(f"{picture.name} has {picture.stat().st_size:,} bytes, more than {LIMIT_BYTES:,}")


def main(names: list[str]) -> None:
    """Make them; each from a run of its own in a folder that goes afterwards."""
    FOLDER.mkdir(exist_ok=True)
    for name in names or list(PICTURES):
        with tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as scratch:
            PICTURES[name](Path(scratch))


if __name__ == "__main__":
    main(sys.argv[1:])
