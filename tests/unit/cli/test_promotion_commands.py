"""`models promote` of a first version: its base is the incumbent, on the same held-out respondents."""

import json
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.views.comparison import show_comparison
from cli.views.promotion import figures
from evaluation.inference.held_out import Gap, HeldOut
from schemas import run_paths
from schemas.models import Model
from schemas.tuning import ModelVersion, RegisteredModel, Registry
from storage.store import Store, open_store
from storage.tuning_records import change_registry, load_registry
from tests.support.cli_runs import CommandLine, land, open_run
from tests.support.studies import write_study

URL = "http://127.0.0.1:9/v1"
TUNED, BASE = "ft:gpt-4.1-mini:org:tuned:1", "gpt-4.1-mini"
PROMOTE = ("models", "promote", "tuned", "--version", "v1", "--run", "r")


def candidate(base: str) -> ModelVersion:
    served = {"name": "here", "base_url": URL, "auth": "none", "rpm": 60}
    entry = {"provider": "openai", "model": TUNED, "version": "tuned@v1", "deployments": [served]}
    entry |= {"parameters": {"temperature": 0}, "price": {"input": 1, "output": 1}}
    return ModelVersion(
        manifest="kept",
        version="v1", model=TUNED, base=base, entry=Model.model_validate(entry), job="j", simulated=True,
        added_at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip


def truths(store: Store) -> dict[str, int]:
    tasks = pq.read_table(store.path(run_paths.tasks("r"))).to_pylist()
    return {task["request_id"]: task["truth"] for task in tasks}


def judged_run(tmp_path: Path, *, best: str, base: str = BASE) -> Store:
    """A run of 160 respondents whose arms ask tuned@v1 and its base; the `best` of both models is always right."""
    root = tmp_path / "store"
    registry = Registry(models={"tuned": RegisteredModel(versions=[candidate(base)])})
    change_registry(open_store(str(root)), lambda _: registry)
    study = write_study(tmp_path / "study", URL, n_respondents=160)
    text = study.read_text("utf-8").replace("arms:\n", "arms:\n  ours: {model: tuned@v1, strategy: basic}\n")
    study.write_text(text, "utf-8")
    store = open_run(study, root)
    truth = truths(store)

    def answer(row: dict[str, Any]) -> dict[str, Any]:
        model = TUNED if row["model"] == "tuned@v1" else BASE
        right = truth[row["request_id"]]
        return {"model": model, "turns": [str(right if model == best else 3 - right if right < 3 else 1)]}

    land(store, "r", answer)
    return store


@pytest.fixture(autouse=True)
def in_this_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPOLL_STORE", str(tmp_path / "store"))


def test_first_version_is_promoted_when_it_is_not_worse_than_its_base(tmp_path: Path, nightpoll: CommandLine) -> None:
    store = judged_run(tmp_path, best=TUNED)

    said = nightpoll(*PROMOTE, "--json")

    live = load_registry(store).models["tuned"].live()
    assert (said.code, json.loads(said.out)["against"]) == (0, "basic")
    assert live is not None
    assert (live.version, live.reason, live.evaluation["outcome"]) == ("v1", "", "non_inferior")


def test_first_version_that_is_worse_than_its_base_is_refused_with_the_figure(
    tmp_path: Path, nightpoll: CommandLine
) -> None:
    store = judged_run(tmp_path, best=BASE)

    said = nightpoll(*PROMOTE)

    assert said.code == 9
    assert "tuned@v1 is not promoted: worse: accuracy -" in said.out
    assert load_registry(store).models["tuned"].live() is None
    assert nightpoll(*PROMOTE[:-2], "--force", "we know better").code == 0


def test_first_version_whose_base_the_run_did_not_ask_is_told_how_to_ask_it(
    tmp_path: Path, nightpoll: CommandLine
) -> None:
    judged_run(tmp_path, best=TUNED, base="gpt-4o")

    said = nightpoll(*PROMOTE)

    assert said.code == 2
    assert "no arms of the run ask gpt-4o, which tuned@v1 was tuned from" in said.err
    assert "nightpoll models compare tuned@v1 BASE --study STUDY" in said.err.replace("\n", " ").replace("  ", " ")


def test_figures_that_are_undefined_are_null_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    gap = Gap("accuracy", nan, nan, nan, nan, nan)
    seen = HeldOut(gap, gap._replace(measure="total variation"), [], [], n=0, n_in_sample=0, simulated=False)

    document = figures(seen) | {
        "arm": "a",
        "against": "b",
        "outcome": "inconclusive",
        "sentence": "",
        "usage": {"a": {}},
    }
    show_comparison(document | {"examples": []})

    assert json.dumps(document, allow_nan=False)
    assert "a minus b, accuracy: undefined" in capsys.readouterr().out
