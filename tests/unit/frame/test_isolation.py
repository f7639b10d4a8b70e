"""The guards of conftest bite: environment, network, processes, the missing survey file."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from tests.support import leftovers
from tests.support.network_guard import NetworkForbiddenError, forbid_network, is_local
from tests.support.until import until
from tests.support.valkey import PrivateServer

ROOT = Path(__file__).parents[3]


def run_pytest(folder: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A session of its own over one generated test file, under the project's conftest."""
    (folder / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (folder / "test_it.py").write_text(body)
    settings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)


def test_environment_of_a_test_holds_no_key_and_no_setting(tmp_path: Path) -> None:
    body = "import os\ndef test_it():\n    assert not [n for n in os.environ if 'OPENAI' in n or 'NIGHTPOLL' in n]"

    result = run_pytest(tmp_path, body, OPENAI_API_KEY="k", AZURE_OPENAI_API_KEY="k", NIGHTPOLL_STORE="s")

    assert result.returncode == 0, result.stdout


def test_working_folder_of_a_test_is_its_own(tmp_path: Path) -> None:
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", True),
        ("10.0.0.1", False),
        ("api.example.com", False),
    ],
)
def test_only_this_machine_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_foreign_address_is_refused_and_remembered() -> None:
    with pytest.MonkeyPatch.context() as patch:
        refused = forbid_network(patch)
        with socket.socket() as client, pytest.raises(NetworkForbiddenError):
            client.connect(("192.0.2.1", 80))
        with pytest.raises(NetworkForbiddenError):
            socket.getaddrinfo("api.example.com", 443)

    assert refused == ["192.0.2.1", "api.example.com"]


def test_swallowed_attempt_fails_the_test_all_the_same(tmp_path: Path) -> None:
    body = """
import contextlib, socket
def test_it():
    with contextlib.suppress(Exception):
        socket.create_connection(("192.0.2.1", 80))
"""
    result = run_pytest(tmp_path, body)

    assert result.returncode == 1
    assert "the test reached for 192.0.2.1" in result.stdout


def test_unknown_host_answers_as_unknown() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("nowhere.invalid", 80))


def test_loopback_passes_the_guard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_missing_survey_file_leaves_its_tests_out_loudly(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, "def test_real(npors_sav): pass\ndef test_other(): pass")

    assert "LEFT OUT: 1 tests need Pew's NPORS 2024 file" in result.stdout
    assert "1 passed, 1 deselected" in result.stdout


def test_survey_path_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, "def test_it(): pass", NPORS_SAV="/nowhere/file.sav")

    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "NPORS_SAV names no file" in result.stderr


def test_detached_process_left_running_fails_the_session_and_is_ended(tmp_path: Path) -> None:
    body = """
import subprocess, sys
def test_it():
    sleeper = "import threading; threading.Event().wait(60)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleeper!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
    result = run_pytest(tmp_path, body)

    assert result.returncode == 1
    assert "LEFT RUNNING, now ended" in result.stdout
    started = [p for p in psutil.process_iter(["cwd"]) if str(tmp_path) in str(p.info["cwd"])]
    assert [p.pid for p in started] == [os.getpid()]


def test_process_that_ends_by_itself_is_no_leftover() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as started:
        alive = leftovers.still_running("no such mark")  # the session's own server and workers may be among them

    assert started.pid not in [process.pid for process in alive]


def test_private_server_keeps_its_data_when_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = PrivateServer(tmp_path_factory.mktemp("v"))
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.rpush("queue", "a", "b")
        until(lambda: "queue" in _aof_text(server.folder))
        server.stop(kill=9)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.llen("queue") == 2
    finally:
        server.stop()


def test_each_test_starts_with_an_empty_server(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_no_test_sees_what_another_left_in_the_server(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("left") is None


def _aof_text(folder: Path) -> str:
    return "".join(file.read_text(errors="replace") for file in folder.rglob("*.incr.aof"))
