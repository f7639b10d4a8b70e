"""`python -m emulator`: serve an emulator from the command line."""

import sys

from emulator.arguments import read_arguments
from emulator.server import run
from schemas.errors import NightpollError


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code. One line on the standard error if the input is wrong."""
    try:
        asked = read_arguments(sys.argv[1:] if argv is None else argv)
        return run(
            asked.host,
            asked.port,
            asked.config,
            asked.ready_path,
            uds=asked.uds,
            follow_parent=asked.follow_parent,
        )
    except NightpollError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
