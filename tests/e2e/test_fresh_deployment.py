"""A run right after a deployment that the service does not know yet: commands, a real worker, real HTTP."""

from collections.abc import Iterator

import pytest

from tests.support.batch_runs import SPEED, quick
from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet, running_fleet
from tests.support.small_study import STUDY, Row, write_study
from tests.support.tuning_go import as_user, done, models_yaml, tune
from tests.support.tunings import deployed

pytestmark = [pytest.mark.e2e, pytest.mark.accept]
BEFORE = STUDY.split("arms:")[0] + "evaluate: {bootstrap: 200}\narms:\n"
NEW_S = 6.0
"""Real seconds in which a new deployment is not found."""


def leaning(row: Row) -> Row:
    return {**row, "AGE": 1000 + int(str(row["ID"])), "MOOD": 1 if row["SEX"] == 2 else 3}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    options = {
        "profile": "azure_v1", "batch_speed": SPEED, "tuning": {"deploying_s": 0, "not_found_s": NEW_S * SPEED}
    }  # fmt: skip
    with running_fleet(n_workers=0, emulator=options) as fleet:
        quick(fleet)
        fleet.start_worker()
        yield fleet


def test_run_waits_for_a_new_deployment_and_answers_everything_once(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(fleet, monkeypatch)
    monkeypatch.setattr("finetuning.deployments.serving.LOOK_EVERY_S", 0.5)
    command = CommandLine(capsys)
    study = BEFORE + "  chat: {model: chat, strategy: basic}\n"
    models = models_yaml(fleet, provider="azure_v1").replace("output: 0.40", "output: 1.60", 1)
    path = write_study(fleet.folder / "study", study=study, models=models, n=150, change=leaning)
    monkeypatch.setenv("NIGHTPOLL_MODELS", str(path.parent / "models.yaml"))
    tune(command, path, arm="chat", name="moods")
    model = fleet.emulator._get("tuning")["deployments"][-1]["model"]
    before = fleet.emulator.purchases()
    statuses = fleet.emulator.stats()["statuses"].get("404", 0)
    deployed(fleet.emulator, "moods-here", model)  # somebody makes it anew: it is not found once more
    path.write_text(BEFORE + "  now: {model: moods, strategy: basic, respondents: test}\n", encoding="utf-8")

    done(command("run", path, "--run-id", "run", "--yes"))

    rows = fleet.rows()
    assert {row["status"] for row in rows} == {"answered"}
    asked_early = fleet.emulator.stats()["statuses"]["404"] - statuses
    assert 2 <= asked_early <= 10, asked_early  # one call at a time, every few seconds
    bought = fleet.emulator.purchases()
    assert bought["repeated"] == 0
    assert bought["total"] - before["total"] == len({row["request_id"] for row in rows})
    assert sum(row["cost_usd"] for row in rows) == pytest.approx(bought["bill_usd"] - before["bill_usd"])
