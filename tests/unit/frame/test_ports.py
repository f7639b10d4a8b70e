"""Ports for servers of tests: nobody is given one twice."""

import subprocess
import sys
from pathlib import Path

from tests.support import ports

REPO = Path(__file__).resolve().parents[3]


def test_port_of_one_process_is_not_given_to_another():
    first = ports.free_port(n_following=2)
    code = (
        "from tests.support import ports\n"
        f"ports._PORTS = range({first}, {first + 4})\n"
        "print(ports.free_port())\n"
        "try: ports.free_port()\n"
        "except AssertionError as error: print(error)"
    )

    said = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True).stdout

    assert said.splitlines() == [str(first + 3), f"no port of {first} to {first + 3} is free"]
