"""Every command and every fault with a known key, a known password and a marked respondent: where do they turn up?

Secrets turn up nowhere. What respondents and models said turns up in the survey's own files, in the rows of a run,
and where a user asks to see it. `make accept` runs the slow part: `test_leaks_slow.py`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cli.main import app
from schemas import run_paths
from storage.parts import read_table
from storage.runs import load_events, load_state
from storage.store import Store
from tests.support.leak_scene import (
    MARKED,
    OF_RESPONDENTS,
    PERSONA,
    SECRETS,
    LeakScene,
    leak_scene,
)
from tests.support.marks import found_below, found_in, redis_contents
from tests.support.ports import free_port
from tests.support.until import until
from workers import connection
from workers.nights.webhook import post

pytestmark = [pytest.mark.e2e, pytest.mark.redis]

SHOWS_ROWS = ("show", "prompt", "inspect", "errors")
"""Commands whose purpose is to show what respondents and models said."""
SLOW = {"demo"}
"""Run by the accept part."""
ROWS = (
    "study/*", "tuning/*", "out.*", "runs/*/respondents.parquet", "runs/*/plan.parquet", "runs/*/predictions.parquet",
    "runs/*/responses/*", "runs/*/journal/*", "runs/*/codebook.json", "runs/*/evaluation/report.html", "report.html",
)  # fmt: skip
"""Files that hold rows, prompts or answers by their purpose."""


def commands(group: object = None, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the command line, as "finetune submit"."""
    found = getattr(typer.main.get_command(app) if group is None else group, "commands", None)
    if found is None:
        yield " ".join(before)
    for name, below in (found or {}).items():
        yield from commands(below, (*before, name))


def run_everything(scene: LeakScene) -> None:
    run, study, folder = scene.run, scene.study, scene.folder
    ports = [scene.start_worker("text", without=["patience"]), scene.start_worker("json", without=["patience"])]
    run("run", study, "--yes", "--detach", "--run-id", "r")
    _commands_about_studies(scene)
    killed = scene.start_worker("json", without=["patience"])
    scene.look_at_processes()
    until(
        lambda: load_state(Store(scene.store), "r").phase not in ("running", "planned"), deadline_s=90, interval_s=0.1
    )
    scene.workers.pop().kill()
    _commands_about_runs(scene)
    _commands_about_tunings(scene)
    _commands_about_nights(scene)
    _broken_things(scene)
    for port in ports:
        scene.fetch(f"http://127.0.0.1:{port}/metrics")
    assert killed
    post(f"{scene.environ['NIGHTPOLL_WEBHOOK_URL']}", b"{}")
    run("prune", "--older-than", "1")
    scene.look_at_processes()
    assert folder.exists()


def _commands_about_studies(scene: LeakScene) -> None:
    run, study = scene.run, scene.study
    run("init", scene.folder / "new", "--template", "reviews")
    run("inspect", study.parent / "survey.csv")
    run("check", study)
    run("doctor", study, "--online", "--call")
    run("prompt", study, "--respondent", 1000 + MARKED[0], "--question", "mood", "--arm", "good")
    run("plan", study)
    run("plan", study, "--json")


def _commands_about_runs(scene: LeakScene) -> None:
    run, out = scene.run, scene.folder / "out"
    for more in ((), ("--json",)):
        for name in ("status", "errors", "show"):
            run(name, "r", *more)
        run("list", *more)
    run("show", "r", read_table(Store(scene.store), run_paths.tasks("r"), ["task_id"])["task_id"][0].as_py())
    run("evaluate", "r", "--report", scene.folder / "report.html")
    run("compare", "r", "r")
    run("reread", "r")
    for form, path in (("csv", "out.csv"), ("parquet", "out.parquet"), ("archive", "out.zip")):
        run("export", "r", scene.folder / path, "--format", form)
    run("export", "r", out.with_suffix(".sav"), "--format", "sav", "--survey", scene.study.parent / "survey.csv")
    run("export", "r", scene.folder / "safe.zip", "--format", "archive", "--no-microdata")
    run("export", "r", scene.folder / "toplines.xlsx", "--format", "toplines")
    run("pause", "r")
    run("resume", "r", "--detach", "--retry", "failed")
    run("status", "r")
    run("cancel", "r")
    for name in (("list", "r"), ("show", "r", 1), ("cancel", "r")):
        run("batch", *name)


def _commands_about_tunings(scene: LeakScene) -> None:
    run, files = scene.run, scene.folder / "tuning"
    run("finetune", "prepare", "r", "--arm", "good", "--out", files)
    run("finetune", "check", files / "training.jsonl")
    run("finetune", "check", scene.study.parent / "survey.csv")
    for model in ("good", "s401", "s400", "s500", "coded"):
        run("finetune", "submit", files / "training.jsonl", "--model", model, "--yes")
    listed = json.loads(run("finetune", "list", "--json"))
    job = next(iter(_keys(listed)), "none")
    for name in ("watch", "results", "pause", "resume", "cancel"):
        run("finetune", name, job, *(["--once"] if name == "watch" else []))
    run("finetune", "list")
    run("finetune", "deploy", job, "--register", "tuned")
    run("finetune", "undeploy", job)
    run("models", "list")
    run("models", "show", "tuned")
    run("models", "compare", "r", "--arm", "good", "--against", "talkative")
    for words in (("promote", "tuned", "--version", "v1"), ("rollout", "tuned", "--version", "v1", "--share", 0.5)):
        run("models", *words)
    run("models", "rollback", "tuned")
    run("models", "retire", "tuned", "--version", "v1")


def _keys(document: object) -> Iterator[str]:
    listed = document if isinstance(document, list) else next(iter(document.values()))  # type: ignore[attr-defined]
    yield from (entry["key"] for entry in listed)


def _commands_about_nights(scene: LeakScene) -> None:
    run = scene.run
    run("queue", "add", scene.study, "--window", "00:00-00:01", "--timezone", "Pacific/Kiritimati")
    for words in (("list",), ("pause", "q1"), ("resume", "q1"), ("reorder", "q1", 1), ("remove", "q1"), ("summary",)):
        run("queue", *words)


def _broken_things(scene: LeakScene) -> None:
    """Keys and rows in the wrong places, and an environment in trouble."""
    run, key = scene.run, scene.environ["LEAK_KEY"]
    text, models = scene.study.read_text(), (scene.study.parent / "models.yaml").read_text()
    broken = {
        "key-in-models.yaml": models.replace("api_key_env: LEAK_KEY", f"api_key: '{key}'"),
        "key-as-name.yaml": models.replace("api_key_env: LEAK_KEY", f"api_key_env: '{key}'"),
        "not-yaml.yaml": models.replace("api_key_env: LEAK_KEY,", f"api_key: '{key}"),
        "in-url.yaml": models.replace("/v1", f"/v1?api-key={key}"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, content in broken.items():
            (scene.study.parent / name).write_text(content)
            patch.setenv("NIGHTPOLL_MODELS", str(scene.study.parent / name))
            run("check", scene.study)
            run("run", scene.study, "--yes")
        patch.delenv("NIGHTPOLL_MODELS")
        for n, (old, new) in enumerate(
            (("mood:", "town:"), ("id}", "id, weight: town}"), ("scale: ordinal", "scalee: 1"))
        ):
            other = scene.study.with_name(f"broken-{n}.yaml")
            other.write_text(text.replace(old, new).replace("answers: {1: Good, 2: Fair, 3: Poor}", "cut: 1"))
            run("check", other)
        patch.setenv("NIGHTPOLL_STORE", str(scene.study / "below-a-file"))
        run("list")
        run("run", scene.study, "--yes")
        patch.setenv("NIGHTPOLL_STORE", str(scene.store))
        patch.setenv("NIGHTPOLL_REDIS_URL", scene.server.tcp_url.replace(str(scene.server.port), str(free_port())))
        run("worker")
        run("run", scene.study, "--yes")
        run("doctor", scene.study)
        patch.setenv("NIGHTPOLL_REDIS_URL", scene.server.tcp_url.replace("sesame", "wrong"))
        run("worker")
        patch.setenv("NIGHTPOLL_REDIS_URL", scene.server.tcp_url.replace("redis://", "rediss//"))
        run("worker")
        run("emulator", "--faults", scene.study)


@pytest.fixture(scope="module")
def scene() -> Iterator[LeakScene]:
    with leak_scene() as scene:
        run_everything(scene)
        yield scene


def test_leak_test_runs_every_command(scene: LeakScene) -> None:
    ran = {
        " ".join(words[: 2 if words[0] in ("finetune", "models", "queue", "batch") else 1])
        for words, _, _ in scene.said
    }

    assert set(commands()) - SLOW <= ran
    assert [words for words, _, said in scene.said if "unexpected error" in said] == []


def test_faults_really_happened(scene: LeakScene) -> None:
    rows = read_table(Store(scene.store), run_paths.predictions("r"), ["arm", "status", "error_code"]).to_pylist()

    by_arm = {
        arm: {(row["status"], row["error_code"]) for row in rows if row["arm"] == arm}
        for arm in {r["arm"] for r in rows}
    }
    assert {status for status, _ in by_arm["good"]} <= {"answered", "unparsed"}
    assert {status for status, _ in by_arm["talkative"]} <= {"answered", "unparsed"}
    assert by_arm["filtered"] == {("filtered", "content_filter")}
    stopped = {event.data["model"] for event in load_events(Store(scene.store), "r") if event.kind == "model_stopped"}
    assert len(stopped) >= 3


def test_commands_say_no_secret_and_only_some_say_rows(scene: LeakScene) -> None:
    found = [
        (words, mark.name)
        for words, _, said in scene.said
        for mark in (*SECRETS, *OF_RESPONDENTS)
        if mark.is_in(said.encode()) and not (mark in OF_RESPONDENTS and words[0] in SHOWS_ROWS)
    ]

    assert found == []


def test_no_file_holds_a_secret(scene: LeakScene) -> None:
    allowed = ("users.acl", "study/*.yaml")  # the server's own password, and files with a key put in by this test

    assert found_below(scene.folder, SECRETS, allowed=allowed) == []


def test_rows_stand_in_files_of_rows_only(scene: LeakScene) -> None:
    assert found_below(scene.folder, OF_RESPONDENTS, allowed=ROWS) == []
    assert found_below(scene.store, [PERSONA]), "the search finds nothing at all"


def test_redis_holds_neither_secrets_nor_rows(scene: LeakScene) -> None:
    kept = list(redis_contents(connection.plain(scene.server.url)))

    assert [hit for key, value in kept for hit in found_in(value, (*SECRETS, *OF_RESPONDENTS), key)] == []
    assert len(kept) > 5


def test_metrics_and_process_lists_hold_neither_secrets_nor_respondents(scene: LeakScene) -> None:
    marks = (*SECRETS, *OF_RESPONDENTS)

    assert [hit for url, page in scene.pages.items() for hit in found_in(page, marks, url)] == []
    assert [hit for line in scene.lists for hit in found_in(line.encode(), marks, line[:60])] == []
    assert len(scene.pages) == 2
    assert any("valkey" in line or "redis" in line for line in scene.lists)


def test_logs_hold_neither_secrets_nor_respondents(scene: LeakScene) -> None:
    logs = sorted(scene.folder.glob("*.log"))

    assert [hit for log in logs for hit in found_in(log.read_bytes(), (*SECRETS, *OF_RESPONDENTS), log.name)] == []
    assert {"worker-text.log", "worker-json.log", "server.log", "commands.log"} <= {log.name for log in logs}
    assert all(Path(log).stat().st_size for log in logs if log.name.startswith("worker"))
