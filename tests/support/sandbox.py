"""The image without an engine: the Dockerfile's own steps, and a read-only tree for what runs in it, by bubblewrap."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.compose import Service

REPO = Path(__file__).parents[2]
USER = "10001"
BUBBLEWRAP = shutil.which("bwrap") or "bwrap"
_OF_THE_MACHINE = re.compile(r"(PIP|UV|SSL)_.*|(https?|no|all)_proxy", re.IGNORECASE)
REGISTRY = {name: value for name, value in os.environ.items() if _OF_THE_MACHINE.fullmatch(name)}
"""How this machine reaches its package registry: read before a test's environment is cleaned."""


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile."""

    word: str
    rest: str


def stages() -> list[list[Step]]:
    """The Dockerfile's stages; continued lines are joined."""
    text = (REPO / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [Step(*line.split(maxsplit=1)) for line in text.splitlines() if line and not line.startswith("#")]
    starts = [n for n, step in enumerate(steps) if step.word == "FROM"]
    return [steps[a + 1 : b] for a, b in zip(starts, [*starts[1:], len(steps)], strict=True)]


@dataclass(frozen=True)
class Image:
    """What the build leaves: `venv` goes to /venv, `examples` to /examples."""

    venv: Path
    examples: Path


def build(folder: Path, lock: str | None = None) -> Image:
    """Do the first stage's steps as a user without rights; only /build, /venv and the base's Python can be written.

    Args:
        folder: scratch; what the image holds is left in it.
        lock: another text for requirements.lock.

    Raises:
        AssertionError: a step failed; its output is told.
    """
    for name in ("build", "venv", "tmp"):
        (folder / name).mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(folder / "base")], check=True)  # the base image's python and pip
    environment = REGISTRY | {"PATH": f"{folder / 'base' / 'bin'}:/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp"}
    writable = {"build": "/build", "venv": "/venv", "tmp": "/tmp", "base": str(folder / "base")}
    binds = [word for name, target in writable.items() for word in ("--bind", str(folder / name), target)]
    places = [Path(place) for place in REGISTRY.get("PIP_FIND_LINKS", "").split() if Path(place).is_dir()]
    binds += [word for place in places for word in ("--ro-bind", str(place), str(place))]
    for step in stages()[0]:
        if step.word == "ENV":
            environment |= dict(pair.split("=", 1) for pair in step.rest.split())
        elif step.word == "COPY":
            _copy(step.rest.split(), folder / "build")
            if lock is not None:
                (folder / "build" / "requirements.lock").write_text(lock, encoding="utf-8")
        elif step.word == "RUN":
            command = [*sandboxed(binds, environment, where="/build"), "sh", "-euc", step.rest]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{step.rest}\n{done.stdout}\n{done.stderr}"
    return Image(folder / "venv", REPO / "examples")


def _copy(names: Sequence[str], folder: Path) -> None:
    *sources, target = names
    for name in sources:
        place = folder / target if target.startswith("./") and target != "./" else folder / name
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(REPO / name, place)


def sandboxed(
    binds: Sequence[str], environment: Mapping[str, str], *, where: str, hostname: str = "build"
) -> list[str]:
    """The beginning of a command line: a read-only tree of this machine's programs, no rights, no other files."""
    command = [BUBBLEWRAP, "--unshare-user", "--uid", USER, "--gid", USER, "--unshare-uts", "--hostname", hostname]
    command += ["--unshare-ipc", "--clearenv", "--die-with-parent"]
    for name in ("/bin", "/sbin", "/lib", "/lib64"):
        place = Path(name)
        if place.is_symlink():
            command += ["--symlink", str(place.readlink()), name]
        elif place.exists():
            command += ["--ro-bind", name, name]
    command += [
        "--ro-bind",
        "/usr",
        "/usr",
        "--ro-bind",
        "/etc",
        "/etc",
        "--ro-bind",
        "/proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        command += ["--ro-bind", sys.base_prefix, sys.base_prefix]  # a Python of this machine that lies elsewhere
    command += binds
    command += [word for name, value in environment.items() for word in ("--setenv", name, value)]
    return [*command, "--remount-ro", "/", "--chdir", where]


def contained(
    image: Image, service: Service, sources: Mapping[str, Path], environment: Mapping[str, str], hostname: str
) -> list[str]:
    """The beginning of a service's command line inside the image: its volumes, its folders in memory, its name.

    Args:
        image: as built.
        service: its mounts and tmpfs; whatever else is there is read-only.
        sources: target of a volume -> folder of this machine.
        environment: all that is set.
        hostname: the container's.
    """
    binds = ["--ro-bind", str(image.venv), "/venv", "--ro-bind", str(image.examples), "/examples"]
    binds += ["--dir", "/study", "--dir", "/data/runs", "--dir", "/data/copies"]
    for mount in service.mounts:
        target, _, mode = mount.split(":", 1)[1].partition(":")
        binds += ["--ro-bind" if mode == "ro" else "--bind", str(sources[target]), target]
    for place in service.tmpfs:
        binds += ["--tmpfs", place]
    return sandboxed(binds, environment, where="/study", hostname=hostname)
