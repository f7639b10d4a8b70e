import psutil
import pytest

from emulator.config import EmulatorConfig
from emulator.process import start_emulator
from schemas.errors import EnvironmentFailureError
from tests.support.emulator import running_emulator


def test_emulator_stops_by_its_own_pid_with_the_exit_code_of_sigterm_and_leaves_nothing():
    with running_emulator() as emulator:
        assert psutil.pid_exists(emulator.pid)
        assert emulator.stop() == 143

    assert not psutil.pid_exists(emulator.pid)


def test_start_on_a_taken_port_says_what_is_wrong(tmp_path):
    with running_emulator() as emulator:
        port = int(emulator.origin.rsplit(":", 1)[1])

        with pytest.raises(EnvironmentFailureError, match="cannot listen"):
            start_emulator(EmulatorConfig(), tmp_path, port=port)
