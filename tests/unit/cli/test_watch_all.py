"""Several open runs on one screen."""

import json
import threading
from pathlib import Path

from rich.console import Console

from cli import main
from cli.follow import Watcher
from cli.watch_all import open_runs, screen
from storage.runs import append_event
from storage.store import Store
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study


def two_runs(folder: Path) -> Store:
    for name in ("one", "two"):
        study = write_study(folder / name, "http://127.0.0.1:9/v1", n_respondents=20, name=name)
        store = open_run(study, folder / "runs", run_id=name)
    land(store, "one", lambda _: {})
    return store


def test_screen_has_a_line_for_every_open_run(tmp_path):
    store = two_runs(tmp_path)
    console = Console(width=160, record=True)

    console.print(screen({name: Watcher(store, name).look() for name in open_runs(store)}))

    text = console.export_text()
    assert "40/40" in text
    assert "0/40" in text
    assert [line.split()[0] for line in text.splitlines()] == ["run", "one", "two"]


def shown(views, width: int) -> list[str]:
    console = Console(width=width, record=True)
    console.print(screen(views, width=width))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_screen_fits_a_narrow_terminal_and_its_columns_stay_where_they_are(tmp_path):
    store = two_runs(tmp_path)
    long = "npors-2024-with-a-long-name-20261123-023828-29ff"
    done, waiting = Watcher(store, "one").look(), Watcher(store, "two").look()
    append_event(store, "two", "stopped", {"message": "key revoked " * 9, "exit_code": 5})
    stopped = Watcher(store, "two").look()

    before, after = shown({long: waiting, "b": done}, 80), shown({long: stopped, "b": done}, 80)

    assert all(len(line) <= 80 for line in before + after)
    assert before[0] == after[0]
    assert before[0].split() == ["run", "state", "%", "rate", "US$", "left", "trouble"]
    assert before[1].startswith("npors-2024-w…-023828-29ff")
    assert before[2] == after[2]
    assert after[1].endswith("key revoked k…")


def test_status_watch_without_a_terminal_prints_a_line_only_where_something_changed(tmp_path, monkeypatch, capsys):
    store = two_runs(tmp_path)
    monkeypatch.setenv("NIGHTPOLL_STORE", str(store.root))
    monkeypatch.setattr("cli.status.WATCH_EVERY_S", 0.05)
    ending = threading.Timer(
        1.0, lambda: [append_event(store, r, "cancelled", {"reason": "x"}) for r in open_runs(store)]
    )
    ending.start()

    assert main.run(["status", "--watch"]) == 0

    ending.join()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["one", "two", "one", "two"]


def test_status_watch_without_a_run_shows_all_until_none_is_open(tmp_path, monkeypatch, capsys):
    store = two_runs(tmp_path)
    monkeypatch.setenv("NIGHTPOLL_STORE", str(store.root))
    ending = threading.Timer(
        1.5, lambda: [append_event(store, r, "cancelled", {"reason": "x"}) for r in open_runs(store)]
    )
    ending.start()

    assert main.run(["status", "--watch", "--json"]) == 0

    ending.join()
    shown = capsys.readouterr().out
    assert shown.count('"runs": [') >= 2
    last = json.loads(shown[shown.rindex('{\n  "runs"') :])
    assert {run["run_id"]: run["state"] for run in last["runs"]} == {"one": "cancelled", "two": "cancelled"}
