"""Waiting for something to become true, instead of sleeping and hoping."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], deadline_s: float = 30.0, interval_s: float = 0.02, *, what: str = "") -> T:
    """The first true value of `condition`, asked every `interval_s`; AssertionError after `deadline_s`."""
    pause = threading.Event()
    ends_s = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > ends_s:
            raise AssertionError(_too_late(condition, deadline_s, what))
        pause.wait(interval_s)
    return value


async def until_async(
    condition: Callable[[], T], deadline_s: float = 30.0, interval_s: float = 0.02, *, what: str = ""
) -> T:
    """As `until`, while the event loop goes on."""
    ends_s = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > ends_s:
            raise AssertionError(_too_late(condition, deadline_s, what))
        await asyncio.sleep(interval_s)
    return value


def _too_late(condition: Callable[[], object], deadline_s: float, what: str) -> str:
    return f"{what or getattr(condition, '__qualname__', condition)} was not true within {deadline_s} s"
