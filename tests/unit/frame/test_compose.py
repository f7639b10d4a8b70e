"""docker-compose.yml and the image, as far as they can be checked without an engine."""

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cli import main
from producer.load import load_models
from schemas.settings import Settings
from tests.support.compose import FILE, MissingVariableError, Service, read_compose

MONITORING = FILE.parent / "docs" / "operations" / "monitoring"
LOGIN = {"FLOWER_USER": "night", "FLOWER_PASSWORD": "watch", "NIGHTPOLL_REDIS_PASSWORD": "battery9"}
STAYING = ["valkey", "worker", "flower", "emulator", "prometheus", "grafana"]


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
    command = " ".join(" ".join(services["valkey"].command).split())

    assert "--appendonly yes --appendfsync everysec" in command
    assert "--maxmemory-policy noeviction" in command
    assert services["valkey"].mounts == ["queue:/data"]


def test_producer_runs_the_command_with_the_same_settings_as_the_workers(services: dict[str, Service]) -> None:
    assert services["producer"].command[0] == "nightpoll"
    assert services["producer"].environment.items() <= services["worker"].environment.items()
    assert services["producer"].mounts == services["worker"].mounts


@pytest.mark.parametrize("name", ["worker", "producer", "rehearsal"])
def test_copies_of_a_bucket_lie_on_a_volume_that_the_image_makes_writable(
    services: dict[str, Service], name: str
) -> None:
    service = services[name]

    cache = service.environment["NIGHTPOLL_CACHE"]

    assert f"copies:{cache}" in service.mounts
    assert not Path(cache).is_relative_to(service.environment["NIGHTPOLL_STORE"])
    assert "copies" in YAML(typ="safe").load(FILE)["volumes"]
    assert f"chown nightpoll:nightpoll /data/runs {cache}" in (FILE.parent / "Dockerfile").read_text("utf-8")


def test_every_setting_that_a_service_gets_exists(services: dict[str, Service]) -> None:
    given = {name for service in services.values() for name in service.environment if name.startswith("NIGHTPOLL_")}

    assert {"NIGHTPOLL_REDIS_URL", "NIGHTPOLL_STORE", "NIGHTPOLL_MODELS"} <= given
    assert given - {"NIGHTPOLL_REDIS_PASSWORD"} <= {f"NIGHTPOLL_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", STAYING)
def test_service_that_stays_has_a_health_check(services: dict[str, Service], name: str) -> None:
    assert services[name].health is not None


def test_only_loopback_is_published(services: dict[str, Service]) -> None:
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.ports)


@pytest.mark.parametrize("name", sorted(LOGIN))
def test_nothing_starts_without_a_password(name: str) -> None:
    with pytest.raises(MissingVariableError, match=name):
        read_compose({key: value for key, value in LOGIN.items() if key != name})


def test_queue_is_reached_by_its_own_network_only_and_by_one_user(services: dict[str, Service]) -> None:
    document = YAML(typ="safe").load(FILE)
    queue = services["valkey"]

    assert queue.ports == []
    assert queue.raw["networks"] == ["inside"]
    assert document["networks"]["inside"] == {"internal": True}
    assert "user default off" in queue.command[-1]
    assert "battery9" not in " ".join(queue.command)
    assert services["worker"].environment["NIGHTPOLL_REDIS_URL"] == "redis://nightpoll:battery9@valkey:6379/0"


def test_only_workers_and_commands_can_reach_a_model_service(services: dict[str, Service]) -> None:
    assert {name for name, each in services.items() if "outside" in each.raw["networks"]} == {"worker", "producer"}


def test_keys_reach_workers_and_commands_only(services: dict[str, Service]) -> None:
    assert {name for name, service in services.items() if "env_file" in service.raw} == {"worker", "producer"}


def test_every_service_is_hardened_and_bounded(services: dict[str, Service]) -> None:
    for name, service in services.items():
        raw = service.raw
        assert raw["read_only"] is True, name
        assert raw["cap_drop"] == ["ALL"], name
        assert raw["security_opt"] == ["no-new-privileges:true"], name
        assert raw["pids_limit"] > 0, name
        assert raw["mem_limit"], name
        assert float(raw["cpus"]) > 0, name
        assert raw["logging"]["options"]["max-size"], name


def test_one_worker_process_has_one_core(services: dict[str, Service]) -> None:
    assert float(services["worker"].raw["cpus"]) == 1
    assert services["worker"].command == ["nightpoll", "worker"]


@pytest.mark.parametrize(
    ("profile", "names"), [("emulator", {"emulator", "rehearsal"}), ("monitoring", {"prometheus", "grafana"})]
)
def test_profile_brings_its_services(services: dict[str, Service], profile: str, names: set[str]) -> None:
    assert {name for name, service in services.items() if profile in service.profiles} == names


def test_rehearsal_asks_the_emulator_of_its_profile(services: dict[str, Service]) -> None:
    models = load_models(FILE, FILE.parent / "examples" / "rehearsal" / "models.yaml").models.models
    emulator = services["emulator"].command

    assert services["rehearsal"].environment["NIGHTPOLL_MODELS"] == "/examples/rehearsal/models.yaml"
    assert [d.base_url for m in models.values() for d in m.deployments] == ["http://emulator:8080/v1"]
    assert emulator[emulator.index("--rpm") + 1] == str(models["mini"].deployments[0].rpm)


def test_files_that_monitoring_mounts_exist(services: dict[str, Service]) -> None:
    mounts = [mount.split(":")[0] for name in ("prometheus", "grafana") for mount in services[name].mounts]
    files = [mount for mount in mounts if mount.startswith("./")]

    assert len(files) == 3
    assert [name for name in files if not (FILE.parent / name).exists()] == []


def test_every_worker_is_scraped_where_it_serves_metrics(services: dict[str, Service]) -> None:
    told = YAML(typ="safe").load((MONITORING / "prometheus.yml").read_text("utf-8"))
    found = told["scrape_configs"][0]["dns_sd_configs"][0]

    assert found["names"] == ["worker"]
    assert str(found["port"]) == services["worker"].environment["NIGHTPOLL_METRICS_PORT"]
    assert services["worker"].environment["NIGHTPOLL_METRICS_HOST"] == "0.0.0.0"
    assert set(services["worker"].raw["networks"]) & set(services["prometheus"].raw["networks"]) == {"inside"}
    assert told["rule_files"] == ["alerts.yml"]


def test_dashboard_asks_the_provisioned_source() -> None:
    sources = YAML(typ="safe").load((MONITORING / "grafana/datasources/prometheus.yml").read_text("utf-8"))
    board = json.loads((MONITORING / "grafana/dashboards/nightpoll.json").read_text("utf-8"))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]

    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {sources["datasources"][0]["uid"]}
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in board["panels"]}) == len(places)
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_image_ends_as_a_user_without_rights() -> None:
    last = (FILE.parent / "Dockerfile").read_text().split("\nFROM ")[-1]

    assert re.findall(r"^USER (\d+)$", last, flags=re.MULTILINE) == ["10001"]
    assert "useradd --uid 10001" in last


@pytest.mark.parametrize("name", ["worker", "producer", "emulator", "rehearsal"])
def test_command_line_of_a_service_is_understood(services: dict[str, Service], name: str, tmp_path: Path) -> None:
    words = services[name].command[1:]
    words = words if "--help" in words else [*words, "--help"]

    assert main.run(words) == 0


def test_command_line_and_variables_of_the_monitor_are_understood(services: dict[str, Service]) -> None:
    import flower.options  # noqa: F401 - defines them
    from tornado.options import options

    given = {name for name in services["flower"].environment if name.startswith("FLOWER_")}

    assert services["flower"].command == ["celery", "flower"]
    assert {name.removeprefix("FLOWER_").lower() for name in given} <= set(options.as_dict())


def test_variables_get_their_value_or_their_default(services: dict[str, Service]) -> None:
    assert services["flower"].environment["FLOWER_BASIC_AUTH"] == "night:watch"
    assert services["grafana"].environment["GF_SECURITY_ADMIN_PASSWORD"] == "watch"
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

    assert [name for name, value in values.items() if value and re.search("KEY|FLOWER|PASSWORD", name)] == []
    assert set(LOGIN) <= set(values)


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
