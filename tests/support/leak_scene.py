"""A store, a server with a password, a good and a troubled service, and every command run against them.

What is said, logged, written and kept is collected, for a test to search.
"""

import contextlib
import io
import logging
import os
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from cli import main
from survey.split import split_of
from tests.support import forks
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.forks import ForkedWorker
from tests.support.marks import Mark
from tests.support.ports import free_port
from tests.support.troubled_service import ANSWER, KINDS, troubled_service
from tests.support.tunings import FAST
from tests.support.valkey import PrivateServer
from workers import connection
from workers.shards import locks

KEY = Mark("key", "Zq7-LeakKey.With+Odd/Chars=")
PASSWORD = Mark("Redis password", "pw-Leak/55+sesame")
HOOK = Mark("webhook secret", "hook-leak-310773")
PERSONA = Mark("persona", "Zanzibar-MARK-7788")
ANSWERED = Mark("answer", ANSWER)
SECRETS = (KEY, PASSWORD, HOOK)
OF_RESPONDENTS = (PERSONA, ANSWERED)
KEY_ENV = "LEAK_KEY"
N_RESPONDENTS = 24
MARKED = tuple(
    next(i for i in range(N_RESPONDENTS) if split_of(1, str(1000 + i), 0.15, 0.15) == split)
    for split in ("test", "train")
)
"""Two who live in a town like no other: one whom every arm asks, one whose answers are trained on."""
ARMS = ("good", *KINDS)

_STUDY = """\
study: leaks
survey: {{file: survey.csv, respondent_id: id}}
split: {{test: 0.15, validation: 0.15, seed: 1}}
persona: {{fields: [age, town], template: persona.j2}}
questions:
  mood: {{text: "How do you feel today?", scale: ordinal, answers: {{1: Good, 2: Fair, 3: Poor}}}}
arms:
{arms}
evaluate: {{bootstrap: 200}}
reuse: {{scope: none}}
queue: {{shard_size: 3}}
"""
_MODEL = """\
  {name}:
    provider: openai
    model: gpt-4.1-mini
    parameters: {{temperature: 0, max_completion_tokens: 64}}
    price: {{input: 0.40, output: 1.60, as_of: 2026-11-01}}
    timeout_s: 5
    deployments:
      - {{name: {name}, base_url: "{url}", api_key_env: LEAK_KEY, auth: bearer, rpm: 60000, identity: {name}}}
"""


def write_leaky_study(folder: Path, urls: Mapping[str, str]) -> Path:
    """A study with an arm and a model per address; one respondent lives in a town like no other."""
    folder.mkdir()
    rows = [
        f"{1000 + i},{30 + i},{PERSONA.text if i in MARKED else 'Springfield'},{1 + i % 3}"
        for i in range(N_RESPONDENTS)
    ]
    (folder / "survey.csv").write_text("\n".join(["id,age,town,mood", *rows]) + "\n")
    (folder / "persona.j2").write_text("You are {{ age }} years old.\nYou live in {{ town }}.\n")
    (folder / "models.yaml").write_text("models:\n" + "".join(_MODEL.format(name=n, url=u) for n, u in urls.items()))
    arms = "\n".join(
        f"  {name}: {{model: {name}, strategy: basic, respondents: {'all' if name == 'good' else 'test'}}}"
        for name in urls
    )
    (folder / "study.yaml").write_text(_STUDY.format(arms=arms))
    return folder / "study.yaml"


@dataclass
class LeakScene:
    """What a test acts with and what it searches.

    Attributes:
        said: command line -> everything on stdout and stderr.
        pages: address -> what it showed.
        lists: command lines of all processes that we started, as /proc shows them.
    """

    folder: Path
    emulator: TestEmulator
    troubled: str
    server: PrivateServer
    study: Path
    said: list[tuple[tuple[str, ...], int, str]] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    workers: list[ForkedWorker] = field(default_factory=list)

    @property
    def store(self) -> Path:
        """Where runs land."""
        return self.folder / "runs"

    @property
    def environ(self) -> dict[str, str]:
        """Settings and secrets of every process."""
        return {
            "NIGHTPOLL_STORE": str(self.store),
            "NIGHTPOLL_REDIS_URL": self.server.tcp_url,
            "NIGHTPOLL_WEBHOOK_URL": f"{self.troubled}/s500/{HOOK.text}",
            KEY_ENV: KEY.text,
        }

    def run(self, *words: object) -> str:
        """A command in this process; what it said."""
        arguments = tuple(str(word) for word in words)
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            code = main.run(list(arguments))
        self.said.append((arguments, int(code), heard.getvalue()))
        return heard.getvalue()

    def start_worker(self, form: str, *, without: Sequence[str] = ()) -> int:
        """A worker with metrics that logs everything, in that form; its metrics' port."""
        port = free_port()
        more = {"LOG_FORMAT": form, "LOG_LEVEL": "DEBUG", "METRICS_PORT": str(port), "DRAIN_S": "5", "SLOTS": "8"}
        env = os.environ | self.environ | {f"NIGHTPOLL_{name}": value for name, value in more.items()}
        self.workers.append(forks.origin.start(without, env, self.folder / f"worker-{form}.log"))
        return port

    def fetch(self, url: str) -> None:
        """Keep a page."""
        with urllib.request.urlopen(url, timeout=20) as response:
            self.pages[url] = response.read()

    def look_at_processes(self) -> None:
        """Keep the command lines of everything below this process, and of forked workers."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.uids().real == os.getuid():
                    self.lists.add(" ".join(process.cmdline()))


@contextmanager
def leak_scene() -> Iterator[LeakScene]:
    """Everything started but the workers; all of it gone at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="np-", dir="/tmp") as name,
        running_emulator(batch_speed=FAST, keys=(KEY.text,)) as shop,
        troubled_service() as troubled,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        urls = {"good": shop.base_url} | {kind: f"{troubled}/{kind}/v1" for kind in KINDS}
        study = write_leaky_study(folder / "study", urls)
        server = PrivateServer(folder, port=free_port(), password=PASSWORD.text)
        server.start()
        locks.vouch(connection.plain(server.url))
        scene = LeakScene(folder, shop, troubled, server, study)
        for variable, value in scene.environ.items():
            patch.setenv(variable, value)
        patch.chdir(study.parent)
        try:
            with _logged(folder / "commands.log"):
                yield scene
        finally:
            for worker in scene.workers:
                worker.terminate()
            for worker in scene.workers:
                worker.wait(20)
            server.stop()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """What this process logs, written as workers do it."""
    from workers.logs import TEXT, TextLines

    handler, root = logging.FileHandler(path), logging.getLogger()
    handler.setFormatter(TextLines(TEXT))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
