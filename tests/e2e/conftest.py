"""A terminal for tests that drive the real command."""

from collections.abc import Iterator

import pytest

from tests.support.emulator import running_emulator
from tests.support.terminal import Terminal


@pytest.fixture
def terminal(tmp_path) -> Iterator[Terminal]:
    """One store and one emulator; everything that was started has ended afterwards."""
    with running_emulator(latency={"median_s": 0.2, "sigma": 0.3}) as emulator:
        terminal = Terminal(tmp_path, emulator)
        yield terminal
        terminal.until_nothing_runs()
