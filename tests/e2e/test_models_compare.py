"""`models compare A B`: a tuned version and its base are asked the same about the same held-out respondents."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from storage.runs import list_run_ids
from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet, running_fleet
from tests.support.small_study import STUDY, Row, write_study
from tests.support.tuning_go import as_user, done, models_yaml, tune
from tests.support.tunings import FAST

pytestmark = pytest.mark.e2e

ARMS = STUDY.split("arms:")[0] + "arms:\n  chat: {model: chat, strategy: logprobs}\n"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running_fleet(n_workers=1, emulator={"batch_speed": FAST}) as fleet:
        yield fleet


def leaning(row: Row) -> Row:
    """Women are well, men badly."""
    return {**row, "MOOD": 1 if row["SEX"] == 2 else 3}


@pytest.fixture
def study(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Path:
    as_user(fleet, monkeypatch)
    models = models_yaml(fleet, provider="openai")
    path = write_study(fleet.folder / "study", study=ARMS, models=models, n=80, change=leaning)
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(path.parent / "models.yaml"))
    return path


def test_pilot_of_two_base_models_asks_so_many_test_respondents(
    fleet: Fleet, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = study.parent / "two.yaml"
    text = models_yaml(fleet, provider="openai")
    other.write_text(text + text.split("models:\n")[1].split("  completion:")[0].replace("chat:", "big:", 1).replace(
        "gpt-4.1-mini", "gpt-4.1"), encoding="utf-8")  # fmt: skip

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTPOLL_MODELS", str(other))
        said = CommandLine(capsys)(
            "models", "compare", "big", "chat", "--study", study, "--pilot", "6", "--run-id", "pilot", "--yes"
        )

    rows = pq.read_table(fleet.store.path("pilot/predictions.parquet")).to_pylist()
    assert said.code == 0, said
    assert "big against chat: " in said.out
    assert ({r["split"] for r in rows}, len({r["respondent_id"] for r in rows})) == ({"test"}, 6)


@pytest.mark.accept
def test_tuned_and_base_are_asked_the_same_and_shown_side_by_side(
    fleet: Fleet, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = CommandLine(capsys)
    tune(command, study, arm="chat", name="small-tuned")

    asked = command("models", "compare", "small-tuned@v1", "chat", "--study", study, "--run-id", "duel")
    assert (asked.code, "duel" in list_run_ids(fleet.store)) == (2, False), "nobody said yes"
    said = command(
        "models", "compare", "small-tuned@v1", "chat", "--study", study, "--run-id", "duel", "--yes", "--json"
    )
    found = json.loads(done(said))

    rows = pq.read_table(fleet.store.path("duel/predictions.parquet")).to_pylist()
    items = {arm: Counter((r["respondent_id"], r["question_id"]) for r in rows if r["arm"] == arm) for arm in
             ("small-tuned-v1", "chat")}  # fmt: skip
    assert items["small-tuned-v1"] == items["chat"]
    assert {r["split"] for r in rows} == {"test"}
    assert {r["model_version"] for r in rows if r["arm"] == "small-tuned-v1"} == {"small-tuned@v1"}
    assert found["outcome"] == "non_inferior"
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]
    assert found["accuracy"]["arm"] > found["accuracy"]["rival"]
    assert found["second"]["measure"] == "log loss"
    for arm, usage in found["usage"].items():
        mine = [r for r in rows if r["arm"] == arm]
        assert usage["cost_usd"] == pytest.approx(sum(r["cost_usd"] for r in mine))
        assert usage["prompt_tokens"] > 0
        assert 0 < usage["latency_median_s"] <= usage["latency_p95_s"]
    assert 0 < len(found["examples"]) <= 5
    assert {key for one in found["examples"] for key in one} == {"question_id", "arm", "against", "human"}
    assert "about $" in said.err

    before = int(fleet.emulator.purchases()["total"])
    text = done(command("models", "compare", "duel", "--arm", "small-tuned-v1", "--against", "chat"))
    again = json.loads(
        done(
            command(
                "models", "compare", "small-tuned", "chat", "--study", study, "--run-id", "again", "--yes", "--json"
            )
        )
    )
    assert "small-tuned-v1 against chat: not worse on " in text
    assert int(fleet.emulator.purchases()["total"]) == before, "the second comparison reuses the first one's answers"
    assert again["usage"]["small-tuned"]["reused"] == again["usage"]["small-tuned"]["predictions"]


@pytest.mark.parametrize("line", [("a", "b"), ("run",), ("a", "--study", "s"), ("run", "--arm", "x")])
def test_half_a_question_is_refused(line: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    said = CommandLine(capsys)("models", "compare", *line)

    assert said.code == 2
    assert "it is not clear what is compared" in said.err
