"""docker-compose.yml and the image, as far as they can be checked without an engine."""

import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.settings import Settings
from tests.support.compose import FILE, MissingVariableError, Service, read_compose

LOGIN = {"FLOWER_USER": "night", "FLOWER_PASSWORD": "watch"}


@pytest.fixture
def services() -> dict[str, Service]:
    return read_compose(LOGIN)


def test_compose_file_follows_the_compose_description() -> None:
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]

    result = subprocess.run([*command, str(FILE)], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


def test_plain_start_brings_queue_workers_and_monitor(services: dict[str, Service]) -> None:
    assert {name for name, service in services.items() if not service.profiles} == {"valkey", "worker", "flower"}


def test_workers_can_be_scaled(services: dict[str, Service]) -> None:
    worker = services["worker"]

    assert worker.ports == []
    assert "container_name" not in worker.raw


def test_worker_has_longer_to_stop_than_it_drains(services: dict[str, Service]) -> None:
    assert services["worker"].stop_grace_s > Settings.model_fields["drain_s"].default


def test_queue_keeps_its_messages_and_never_evicts(services: dict[str, Service]) -> None:
    command = " ".join(services["valkey"].command)

    assert "--appendonly yes --appendfsync everysec" in command
    assert "--maxmemory-policy noeviction" in command
    assert services["valkey"].mounts == ["queue:/data"]


def test_producer_runs_the_command_with_the_same_settings_as_the_workers(services: dict[str, Service]) -> None:
    assert services["producer"].command[0] == "nightpoll"
    assert services["producer"].environment == services["worker"].environment
    assert services["producer"].mounts == services["worker"].mounts


def test_every_setting_that_a_service_gets_exists(services: dict[str, Service]) -> None:
    given = {name for service in services.values() for name in service.environment if name.startswith("NIGHTPOLL_")}

    assert given == {"NIGHTPOLL_REDIS_URL", "NIGHTPOLL_STORE", "NIGHTPOLL_MODELS"}
    assert given <= {f"NIGHTPOLL_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", ["valkey", "worker", "flower", "emulator"])
def test_service_that_stays_has_a_health_check(services: dict[str, Service], name: str) -> None:
    assert services[name].health is not None


def test_only_loopback_is_published(services: dict[str, Service]) -> None:
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.ports)


def test_monitor_refuses_to_start_without_a_login() -> None:
    with pytest.raises(MissingVariableError, match="FLOWER_USER"):
        read_compose({})


def test_variables_get_their_value_or_their_default(services: dict[str, Service]) -> None:
    assert services["flower"].environment["FLOWER_BASIC_AUTH"] == "night:watch"
    assert services["producer"].environment["NIGHTPOLL_MODELS"] == "/study/models.yaml"


def test_double_dollar_reaches_the_container_as_one(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services: {a: {command: [echo, $$HOME], healthcheck: {test: [CMD-SHELL, 'test $$A = ${B:-b}']}}}")

    service = read_compose({}, file)["a"]

    assert service.command == ["echo", "$HOME"]
    assert service.health == ["sh", "-c", "test $A = b"]


def test_no_secret_stands_in_the_example_environment() -> None:
    lines = (FILE.parent / ".env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert [name for name, value in values.items() if value and ("KEY" in name or "FLOWER" in name)] == []
    assert {"FLOWER_USER", "FLOWER_PASSWORD"} <= set(values)


def test_nothing_is_copied_that_the_ignore_file_keeps_out() -> None:
    lines = (FILE.parent / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    dockerfile = (FILE.parent / "Dockerfile").read_text().splitlines()
    copied = {
        name for line in dockerfile if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }

    assert lines[1] == "*"
    assert copied == allowed
    assert not any(fnmatch.fnmatch(".env", name) for name in allowed)
