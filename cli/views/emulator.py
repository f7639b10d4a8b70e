"""What `emulator` says once it listens: the address to put into models.yaml."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.views.console import out, print_json

_LOOK_EVERY_S = 0.05


def arguments_of(options: Mapping[str, object]) -> list[str]:
    """Options as `python -m emulator` takes them; None is left out, a list repeats its option."""
    found: list[str] = []
    for name, value in options.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        found += [f"--{name}={each}" for each in values]
    return found


@contextmanager
def announced(ready: Path, *, as_json: bool) -> Iterator[None]:
    """Say the address as soon as the ready file is there; the emulator itself keeps the main thread."""
    ended = threading.Event()
    watcher = threading.Thread(target=_announce, args=(ready, ended, as_json), name="announce", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _announce(ready: Path, ended: threading.Event, as_json: bool) -> None:
    while not ready.exists():
        if ended.wait(_LOOK_EVERY_S):
            return
    told: dict[str, Any] = json.loads(ready.read_text("utf-8"))
    if as_json:
        print_json(told)
        return
    out.print("The emulator listens. In models.yaml:", markup=False)
    out.print(f'    base_url: "{told["base_url"]}"', markup=False)
    out.print("Its answers follow a seeded rule and say nothing about people. Ctrl-C stops it.", markup=False)
