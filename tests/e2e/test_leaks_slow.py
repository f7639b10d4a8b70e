"""The slow part of the leak test: batches, a killed worker, the monitor, the embedded server and the demo."""

import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from schemas import run_paths
from storage.parts import read_table
from storage.runs import load_state
from storage.store import Store
from tests.support import forks
from tests.support.echoing_batches import echoing_batches
from tests.support.leak_scene import (
    KEY,
    OF_RESPONDENTS,
    PERSONA,
    SECRETS,
    LeakScene,
    leak_scene,
    write_leaky_study,
)
from tests.support.marks import found_below, found_in, redis_contents
from tests.support.ports import free_port
from tests.support.until import until
from workers import connection

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.accept]
MARKS = (*SECRETS, *OF_RESPONDENTS)
ROWS = (
    "study*/*", "runs/*/respondents.parquet", "runs/*/plan.parquet", "runs/*/predictions.parquet", "runs/*/responses/*",
    "runs/*/journal/*", "runs/*/codebook.json", "runs/*/batches/*.jsonl", "runs/*/batches/*.out",
    "runs/*/batches/*.err",
)  # fmt: skip


@pytest.fixture
def scene() -> Iterator[LeakScene]:
    with leak_scene() as scene:
        yield scene


def nothing_leaked(scene: LeakScene) -> None:
    scene.look_at_processes()
    assert found_below(scene.folder, SECRETS, allowed=("users.acl",)) == []
    assert found_below(scene.folder, OF_RESPONDENTS, allowed=ROWS) == []
    kept = list(redis_contents(connection.plain(scene.server.url)))
    assert [hit for key, value in kept for hit in found_in(value, MARKS, key)] == []
    assert [hit for line in scene.lists for hit in found_in(line.encode(), MARKS, line[:60])] == []
    assert [hit for url, page in scene.pages.items() for hit in found_in(page, MARKS, url)] == []
    assert found_below(scene.folder, [PERSONA]), "the search finds nothing at all"


def until_over(scene: LeakScene, run: str, deadline_s: float = 120) -> None:
    store = Store(scene.store)
    until(lambda: load_state(store, run).phase not in ("running", "planned"), deadline_s=deadline_s, interval_s=0.2)


@pytest.mark.parametrize("refuses", [False, True], ids=["line by line", "as a whole"])
def test_batches_whose_lines_come_back_as_errors_leak_nothing(scene: LeakScene, refuses: bool) -> None:
    with echoing_batches(refuses=refuses) as url:
        models = scene.study.parent / "models.yaml"
        keys = f'base_url: "{url}", api_key_env: LEAK_KEY, auth: bearer, identity: good'
        models.write_text(models.read_text().split("  s400:")[0] + f"    batch:\n      - {{name: b, {keys}}}\n")
        text = scene.study.read_text().split("  s400:")[0].replace("basic,", "basic, transport: batch,")
        scene.study.write_text(text + "reuse: {scope: none}\n")
        for name, value in {"POLL": "0.2", "SEARCH": "2", "BACKOFF": "0.1"}.items():
            os.environ[f"NIGHTPOLL_BATCH_{name}_S"] = value
        scene.start_worker("text", without=["patience"])

        scene.run("run", scene.study, "--yes", "--detach", "--run-id", "b")
        until_over(scene, "b")
        for words in (("list", "b"), ("show", "b", 1), ("show", "b", 1, "--json")):
            scene.run("batch", *words)
        scene.run("status", "b")

    rows = read_table(Store(scene.store), run_paths.predictions("b"), ["status", "error_code"]).to_pylist()
    assert {row["status"] for row in rows} <= {"failed", "cancelled"}
    assert {row["error_code"] for row in rows} >= {"rejected"} or refuses
    assert [hit for words, _, said in scene.said for hit in found_in(said.encode(), MARKS, str(words))] == []
    nothing_leaked(scene)


def test_killed_worker_leaks_nothing(scene: LeakScene) -> None:
    scene.start_worker("text")
    scene.run("run", scene.study, "--yes", "--detach", "--run-id", "k")
    until(lambda: list((scene.store / "k" / "journal").glob("*")), deadline_s=60)

    scene.workers.pop().send_signal(signal.SIGKILL)
    scene.start_worker("json", without=["patience"])
    until_over(scene, "k")

    nothing_leaked(scene)


def test_flower_shows_neither_secrets_nor_respondents(scene: LeakScene) -> None:
    port, address = free_port(), "http://127.0.0.1"
    scene.start_worker("text", without=["patience"])
    environ = os.environ | {"CELERY_BROKER_URL": scene.server.tcp_url, "FLOWER_BASIC_AUTH": f"night:{KEY.text}"}
    environ |= {"FLOWER_PORT": str(port), "FLOWER_ADDRESS": "127.0.0.1"}
    with (scene.folder / "flower.log").open("wb") as log:
        command = [str(Path(sys.executable).with_name("celery")), "flower"]
        flower = subprocess.Popen(command, env=environ, cwd=scene.folder, stdout=log, stderr=log)
    try:
        login = base64.b64encode(f"night:{KEY.text}".encode()).decode()
        until(lambda: answers(f"{address}:{port}/healthcheck"), deadline_s=40, interval_s=0.3)
        scene.run("run", scene.study, "--yes", "--detach", "--run-id", "f")
        until_over(scene, "f")
        for page in (
            "",
            "workers",
            "tasks",
            "broker",
            "metrics",
            "api/workers?refresh=1",
            "api/tasks",
            "api/queues/length",
        ):
            request = urllib.request.Request(f"{address}:{port}/{page}", headers={"Authorization": f"Basic {login}"})
            with urllib.request.urlopen(request, timeout=30) as response:
                scene.pages[page] = response.read()
        nothing_leaked(scene)
        assert b"nightpoll" in scene.pages["workers"] + scene.pages["api/workers?refresh=1"]
    finally:
        flower.terminate()
        flower.wait(20)


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def nightpoll(scene: LeakScene, *words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command as its own process, its output in a file."""
    without = {name: value for name, value in os.environ.items() if name != "NIGHTPOLL_REDIS_URL"}
    with (scene.folder / f"{words[0]}.out.log").open("wb") as log:
        command = [sys.executable, "-c", "from cli.main import main; main()", *words]
        env = without | {"PYTHONPATH": str(forks.REPO), "NIGHTPOLL_LINGER_S": "1"} | more
        process = subprocess.Popen(command, env=env, cwd=scene.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_embedded_server_its_workers_and_the_demo_leak_nothing(scene: LeakScene) -> None:
    os.environ.pop("NIGHTPOLL_REDIS_URL")
    quick = {kind: f"{scene.troubled}/{kind}/v1" for kind in ("s400", "s401", "coded", "talkative", "filtered")}
    study = write_leaky_study(scene.folder / "study2", {"good": scene.emulator.base_url} | quick)
    with nightpoll(scene, "run", str(study), "--yes", "--run-id", "e", NIGHTPOLL_LOG_LEVEL="DEBUG") as running:
        until((scene.store / "e" / "journal").exists, deadline_s=60)
        servers = [
            p for p in psutil.process_iter() if str(scene.store) in " ".join(_command(p)) and "valkey" in _command(p)[0]
        ]
        scene.look_at_processes()
        assert [p.pid for p in servers if KEY.text in str(p.environ())] == []
        assert servers
        running.wait(200)
    with nightpoll(scene, "demo", "--respondents", "30") as demo:
        demo.wait(200)

    assert (scene.folder / "demo.out.log").read_bytes()
    nothing_leaked(scene)


def test_worker_and_emulator_as_commands_leak_nothing(scene: LeakScene) -> None:
    for words, more in (
        (("worker", "--json"), {"NIGHTPOLL_REDIS_URL": scene.server.tcp_url}),
        (("emulator", "--port", "0", "--key-env", "LEAK_KEY"), {}),
    ):
        with nightpoll(scene, *words, **more):
            until(lambda name=words[0]: (scene.folder / f"{name}.out.log").stat().st_size > 0, deadline_s=60)
            scene.look_at_processes()
    scene.run("plan", scene.study)

    nothing_leaked(scene)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.Error:
        return [""]
