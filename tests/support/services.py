"""The services of docker-compose.yml as local processes: their own commands, environments and health checks.

Only what a container gives is put in place: names of hosts, ports, paths, the programs on the PATH.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.compose import Service, read_compose
from tests.support.leftovers import MARK
from tests.support.ports import free_port
from tests.support.sandbox import Image, contained
from tests.support.service_places import addresses, folders, on_this_machine, put_examples, put_programs

REPO = Path(__file__).parents[2]
PASSWORD = "correct-horse_battery9"
LOGIN = {"FLOWER_USER": "night", "FLOWER_PASSWORD": "watch", "NIGHTPOLL_REDIS_PASSWORD": PASSWORD}
BIN = Path(sys.executable).parent


@dataclass
class Container:
    """One process of a service; `hostname` is its own in a sandbox, else the machine's is used."""

    service: Service
    process: subprocess.Popen[bytes]
    log: Path
    hostname: str | None = None

    def send(self, how: int) -> None:
        """Send a signal to the service's process itself, which in a sandbox is the child of what was started."""
        if self.hostname is None or not (children := psutil.Process(self.process.pid).children()):
            self.process.send_signal(how)
        else:
            children[0].send_signal(how)

    def end(self, how: int = signal.SIGTERM) -> bool:
        """Signal it and wait; False if it outlived the service's grace period and had to be killed."""
        if self.process.poll() is None:
            self.send(how)
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
        image: what our own services run in, on a read-only tree as a user without rights; None: as they are here.
    """

    services: dict[str, Service]
    folder: Path
    study: Path
    ports: dict[str, int]
    containers: list[Container] = field(default_factory=list)
    without: tuple[str, ...] = ()
    image: Image | None = None
    _n_started: dict[str, int] = field(default_factory=dict)

    @property
    def redis_url(self) -> str:
        """The queue, as the services know it."""
        return self.services["worker"].environment["NIGHTPOLL_REDIS_URL"]

    @property
    def store(self) -> Path:
        """Where runs land."""
        return self.folder / "runs"

    @property
    def copies(self) -> Path:
        """Where copies of a bucket's files would lie."""
        folder = self.folder / "copies"
        folder.mkdir(exist_ok=True)
        return folder

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
        if self._is_contained(self.services[name]):
            return bool(running) and all(self.passes(health, name, each.hostname) for each in running)
        own = [[p.replace("nightpoll-*@", f"nightpoll-{c.process.pid}@") for p in health] for c in running]
        return bool(own) and all(self.passes(command, name) for command in own)

    def passes(self, command: list[str], name: str, hostname: str | None = None) -> bool:
        """A command inside the service's surroundings, as health checks are run."""
        service = self.services[name]
        done = subprocess.run(
            self._inside(service, command, hostname), env=self.environment(service), cwd=self.folder,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode == 0

    def stop(self) -> list[str]:
        """SIGTERM to all but the queue, then to it; names of those that outlived their grace period and were killed."""
        killed = []
        for queue in (False, True):
            ending = [each for each in self.containers if (each.service.name == "valkey") is queue]
            for each in ending:
                if each.process.poll() is None:
                    each.send(signal.SIGTERM)
            killed += [each.service.name for each in ending if not each.end()]
        self.containers.clear()
        return killed

    def environment(self, service: Service) -> dict[str, str]:
        """What the compose file and the image set, and nothing of this machine but where programs are."""
        if self._is_contained(service):
            path = "/venv/bin:/usr/local/bin:/usr/bin:/bin"
            own = image_environment() | {"PYTHONDONTWRITEBYTECODE": "1"} | service.environment | {"PATH": path}
            return own | {MARK: os.environ[MARK], "HOME": "/home/nightpoll"} | own_address(service)
        path = f"{self.folder / 'bin'}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        own = image_environment() | service.environment | {"PATH": path, "PYTHONPATH": str(REPO)}
        own |= own_address(service)
        own |= {"NIGHTPOLL_TEST_REAL_LEASES": "1"} if self.without else {}
        return own | {MARK: os.environ[MARK], "HOME": str(self.folder)}

    def _start(self, service: Service, command: list[str]) -> Container:
        number = self._n_started.get(service.name, 0)
        self._n_started[service.name] = number + 1
        log = self.folder / f"{service.name}-{number}.log"
        hostname = f"{service.name}-{number}" if self._is_contained(service) else None
        where = self.folder / "valkey" if service.name == "valkey" else self.study
        with log.open("wb") as out:
            process = subprocess.Popen(
                self._inside(service, command, hostname), env=self.environment(service), cwd=where,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        container = Container(service, process, log, hostname)
        self.containers.append(container)
        return container

    def _is_contained(self, service: Service) -> bool:
        return self.image is not None and "build" in service.raw

    def _inside(self, service: Service, command: list[str], hostname: str | None) -> list[str]:
        if self.image is None or hostname is None:
            return command
        sources = {"/data/runs": self.store, "/data/copies": self.copies, "/study": self.study}
        return [*contained(self.image, service, sources, self.environment(service), hostname), *command]


def own_address(service: Service) -> dict[str, str]:
    """A container's interfaces are its own, this machine's are not."""
    return {"FLOWER_ADDRESS": "127.0.0.1"} if service.name == "flower" else {}


def image_environment() -> dict[str, str]:
    """ENV of the Dockerfile's last stage but for the PATH and for byte code, which an image is built with."""
    last = (REPO / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    pairs = [
        pair.split("=", 1) for line in re.findall(r"^ENV (.+)$", last, flags=re.MULTILINE) for pair in line.split()
    ]
    return {name: value for name, value in pairs if name not in ("PATH", "PYTHONDONTWRITEBYTECODE")}


@contextmanager
def local_services(folder: Path, study: Path, image: Image | None = None) -> Iterator[LocalServices]:
    """The compose file with this machine's ports and paths in the places of the containers'; all ended on leaving."""
    ports = {name: free_port() for name in ("valkey", "flower", "emulator")}
    ports["metrics"] = free_port(n_following=7)  # one for each worker
    for name in ("bin", "runs", "valkey", "run-valkey", "examples"):
        (folder / name).mkdir()
    study.mkdir(exist_ok=True)
    put_programs(folder / "bin", ports["valkey"])
    put_examples(folder / "examples", ports["emulator"])
    reached = addresses(ports)
    anywhere = reached | folders(folder, study)
    services = {
        name: on_this_machine(service, reached if image is not None and "build" in service.raw else anywhere)
        for name, service in read_compose(LOGIN).items()
    }
    own = None if image is None else Image(image.venv, folder / "examples")
    local = LocalServices(services, folder, study, ports, image=own)
    try:
        yield local
    finally:
        local.stop()
