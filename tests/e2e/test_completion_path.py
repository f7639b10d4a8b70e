"""A completion model from the older training form to answers: commands, real workers, real HTTP; and in batches."""

import json
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from tests.support.batch_runs import SPEED, quick
from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet, running_fleet
from tests.support.small_study import STUDY, Row, write_study
from tests.support.tuning_go import as_user, done, models_yaml, tune

pytestmark = pytest.mark.e2e
BEFORE = STUDY.split("arms:")[0] + "evaluate: {bootstrap: 200}\narms:\n"
N = 150


def leaning(row: Row) -> Row:
    """Women are well, men badly; who reads the news is a matter of chance."""
    number = int(str(row["ID"])) - 100
    return {**row, "AGE": 1000 + number, "MOOD": 1 if row["SEX"] == 2 else 3, "NEWS": 1 + (number * 7 // 3) % 2}


@pytest.fixture(
    scope="module", params=["openai", *(pytest.param(each, marks=pytest.mark.accept) for each in ("azure_v1", "azure"))]
)
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fleet(provider: str) -> Iterator[Fleet]:
    options = {"profile": provider, "batch_speed": SPEED, "tuning": {"deploying_s": 0}}
    with running_fleet(n_workers=0, emulator=options) as fleet:
        quick(fleet)
        fleet.start_worker()
        yield fleet


def test_prompt_form_goes_from_prepare_to_answers(
    fleet: Fleet, provider: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(fleet, monkeypatch)
    command, in_batches = CommandLine(capsys), provider == "openai"
    models = models_yaml(fleet, provider=provider, batch=in_batches)
    if provider == "azure":
        models = models.replace("    family:", '    api_version: "2024-10-21"\n    family:')
    study = BEFORE + "  completion: {model: completion, strategy: basic}\n"
    path = write_study(fleet.folder / "study", study=study, models=models, n=N, change=leaning)
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(path.parent / "models.yaml"))

    out = tune(command, path, arm="completion", name="moods")
    spent_usd = fleet.emulator.purchases()["bill_usd"]  # the token by which `deploy` sees that it answers
    assert (spent_usd > 0) == (provider != "openai")
    arms = "  now: {model: moods, strategy: basic, respondents: test}\n"
    arms += "  chance: {model: moods, strategy: logprobs, respondents: test, questions: [NEWS]}\n"
    arms += (
        "  later: {model: moods, strategy: logprobs, transport: batch, respondents: test, questions: [MOOD]}\n"
        * in_batches
    )
    path.write_text(BEFORE + arms, encoding="utf-8")
    shown = json.loads(
        done(command("prompt", path, "--respondent", "100", "--question", "MOOD", "--arm", "now", "--json"))
    )
    done(command("run", path, "--run-id", "run", "--yes"))

    rows = fleet.rows()
    trained = [json.loads(line)["prompt"] for line in (out / "training.jsonl").read_bytes().splitlines()]
    plan = pq.read_table(fleet.store.path("run/plan.parquet")).to_pylist()
    _prompts_are_those_of_training(plan, trained, shown)
    assert {row["status"] for row in rows} == {"answered"}
    assert not any(row["in_sample"] for row in rows)
    assert {row["finish_reason"] for row in rows} == {"stop"}
    moods = [row for row in rows if row["question_id"] == "MOOD"]
    assert all(row["answer"] == row["truth"] for row in moods)
    assert {row["transport"] for row in rows if row["arm"] == "later"} == ({"batch"} if in_batches else set())
    chances = [row for row in rows if row["arm"] != "now"]
    assert min(row["covered_mass"] for row in chances) == pytest.approx(1)
    assert all(dict(row["probabilities"])[row["truth"]] > 0.8 for row in chances if row["question_id"] == "MOOD")
    bought = fleet.emulator.purchases()
    assert bought["repeated"] == 0
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(bought["bill_usd"] - spent_usd)


def _prompts_are_those_of_training(plan: list[dict], trained: list[str], shown: dict) -> None:
    """All but what is told of the person: nobody of the test respondents is in the file."""
    asked = [json.loads(row["turns"])[0] for row in plan]
    assert {len(messages) for messages in asked} == {1}
    texts = {messages[0]["content"] for messages in asked}
    assert not texts & set(trained)
    assert {text.partition("\n\nQuestion:")[2] for text in texts} == {t.partition("\n\nQuestion:")[2] for t in trained}
    assert shown["messages"][0]["role"] == "prompt"
    assert {json.loads(row["parameters"]).get("stop") for row in plan} == {" END"}
