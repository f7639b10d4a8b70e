"""Reads docker-compose.yml into what a test needs to start each service's own command as a local process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILE = Path(__file__).parents[2] / "docker-compose.yml"

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:-|:\?)(?P<rest>[^}]*))?\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


class MissingVariableError(Exception):
    """A `${NAME:?...}` without a value: compose refuses to start."""


@dataclass(frozen=True)
class Service:
    """One service, with variables filled in.

    Attributes:
        entrypoint: what always runs; [] if the image's is left as it is.
        arguments: the service's command, which `run SERVICE ARGUMENTS` puts others in place of.
        environment: what the file sets; env_file is not read.
        health: the check's argument list, a shell line as ["sh", "-c", line]; None without one.
        ports: published, as written: "host address:host port:port".
        mounts: "source:target[:mode]".
        tmpfs: folders in memory, without their options.
        stop_grace_s: seconds between SIGTERM and SIGKILL.
        raw: the service as in the file.
    """

    name: str
    entrypoint: list[str]
    arguments: list[str]
    environment: dict[str, str]
    health: list[str] | None
    profiles: list[str]
    ports: list[str]
    mounts: list[str]
    tmpfs: list[str]
    depends_on: list[str]
    stop_grace_s: float
    raw: dict[str, Any]

    @property
    def command(self) -> list[str]:
        """Entrypoint and arguments as one list."""
        return [*self.entrypoint, *self.arguments]


def read_compose(environ: Mapping[str, str], file: Path = FILE) -> dict[str, Service]:
    """All services by name, `${...}` filled from `environ` as compose does it.

    Raises:
        MissingVariableError: a variable that must be set is not.
    """
    document = YAML(typ="safe").load(file)
    return {name: _service(name, _filled(raw, environ)) for name, raw in document["services"].items()}


def _service(name: str, raw: dict[str, Any]) -> Service:
    return Service(
        name=name,
        entrypoint=list(map(str, raw.get("entrypoint", []))),
        arguments=list(map(str, raw.get("command", []))),
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        health=_health(raw.get("healthcheck")),
        profiles=list(raw.get("profiles", [])),
        ports=list(raw.get("ports", [])),
        mounts=list(raw.get("volumes", [])),
        tmpfs=[text.partition(":")[0] for text in raw.get("tmpfs", [])],
        depends_on=list(raw.get("depends_on", [])),
        stop_grace_s=_seconds(raw.get("stop_grace_period", "10s")),
        raw=raw,
    )


def _health(check: dict[str, Any] | None) -> list[str] | None:
    if check is None:
        return None
    kind, *arguments = check["test"]
    return ["sh", "-c", *arguments] if kind == "CMD-SHELL" else arguments


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environ) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match, environ), value)
    return value


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, how, rest = match["name"], match["how"], match["rest"]
    if name is None:
        return "$"
    if environ.get(name):
        return environ[name]
    if how == ":?":
        raise MissingVariableError(f"{name}: {rest}")
    return rest if how == ":-" else ""


def _seconds(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([smh])", text))
