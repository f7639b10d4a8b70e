"""What every test gets: a clean environment, no network, no process left behind; a private server on demand."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support import forks, leftovers
from tests.support.network_guard import forbid_network
from tests.support.valkey import PrivateServer

OURS = ("NIGHTPOLL_", "OPENAI_", "AZURE_", "AWS_", "CELERY_", "FLOWER_", "REDIS_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

hypothesis.settings.register_profile("nightpoll", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("nightpoll")

left_out = pytest.StashKey[list[str]]()
running = pytest.StashKey[list[str]]()
mark = pytest.StashKey[str]()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, key or proxy of the machine; an empty folder, so that no .env is read and no ./runs is written."""
    for name in os.environ:
        if name.startswith(OURS) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Only loopback and Unix sockets; an attempt fails the test even where the code under test swallows it."""
    if request.node.get_closest_marker("live"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        refused = forbid_network(patch)
        yield
    assert not refused, f"the test reached for {', '.join(sorted(set(refused)))}"


@pytest.fixture(scope="session")
def npors_sav() -> Path:
    """Pew's NPORS 2024 file, named by NPORS_SAV. Tests that use it are left out, loudly, where it is not set."""
    return Path(os.environ["NPORS_SAV"]).resolve(strict=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[PrivateServer]:
    """One private server for the whole session; do not kill it: fault tests make a PrivateServer of their own."""
    with tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as folder:
        server = PrivateServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def redis_url(redis_server: PrivateServer) -> str:
    """The private server, empty; a `unix://` URL as redis-py reads it."""
    redis_server.wipe()
    return redis_server.url


def is_helper() -> bool:
    """This process runs a share of the tests for another one, which counts for all of them."""
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    """Marks this session's processes and refuses an NPORS_SAV that names nothing."""
    config.stash[mark] = os.environ[leftovers.MARK] if is_helper() else leftovers.mark_session()
    config.stash[left_out] = []
    config.stash[running] = []
    path = os.environ.get("NPORS_SAV")
    if path and not Path(path).is_file():
        raise pytest.UsageError(f"NPORS_SAV names no file: {path}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what needs Pew's file where there is none."""
    if os.environ.get("NPORS_SAV"):
        return
    without = [item for item in items if "npors_sav" in getattr(item, "fixturenames", ())]
    config.stash[left_out] = [item.nodeid for item in without]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


@pytest.hookimpl(trylast=True)  # after the session's fixtures are torn down
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that outlives the tests fails the session, and is ended."""
    forks.origin.end()
    if is_helper():
        session.config.workeroutput["left_out"] = session.config.stash[left_out]  # type: ignore[attr-defined]
        return
    alive = leftovers.still_running(session.config.stash[mark])
    if alive:
        session.config.stash[running] = [leftovers.describe(process) for process in alive]
        leftovers.end(alive)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_testnodedown(node: Any, error: object) -> None:
    """What a helper left out: every one leaves out the same."""
    node.config.stash[left_out] = getattr(node, "workeroutput", {}).get("left_out", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was left out and what was left running."""
    if config.stash[left_out]:
        terminalreporter.write_line(
            f"LEFT OUT: {len(config.stash[left_out])} tests need Pew's NPORS 2024 file; NPORS_SAV is not set.",
            red=True,
            bold=True,
        )
    for line in config.stash[running]:
        terminalreporter.write_line(f"LEFT RUNNING, now ended: {line}", red=True, bold=True)
