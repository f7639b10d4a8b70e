"""Dates at which services stop to train or to answer: warned about ahead, refused after, before anybody is asked."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from finetuning.versions.promotion import Verdict
from finetuning.versions.registry import add_version, promote
from schemas.models import Model, Tuning
from schemas.tuning import ENDED, TuningLedger
from storage.store import open_store
from storage.tuning_records import change_ledger, load_registry
from tests.support.cli_runs import CommandLine
from tests.support.plans import make_model
from tests.support.tunings import jsonl, training_lines

NOW = datetime.now(UTC)
TODAY = NOW.date()
FAR, NEAR, OVER = TODAY + timedelta(days=300), TODAY + timedelta(days=30), TODAY
MODELS = """\
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    retires_on: {base}
    tuning: {{usd_per_million_tokens: 5, trains_until: {trains}, retires_on: {tuned}}}
    deployments: [{{name: d, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 60}}]
"""


def ledger(key: str, **dates: date | None) -> TuningLedger:
    entry = make_model(retires_on=dates.get("base"))
    entry = Model.model_validate(entry.model_dump() | {"tuning": Tuning(retires_on=dates.get("tuned"))})
    return TuningLedger(
        key=key, entry_name="mini", entry=entry, model="base", created_at=NOW, state=ENDED[0], tuned_model=f"ft:{key}",
        job_id=f"ftjob-{key}",
    )  # fmt: skip


@pytest.fixture
def registered(store: Path) -> Path:
    """v1 is live and stays; v2 is shut down soon; v3 was; v4 stays although its base was."""
    made = open_store(str(store))
    for key, dates in (
        ("a", {}), ("b", {"tuned": NEAR}), ("c", {"base": FAR, "tuned": OVER}), ("d", {"base": OVER, "tuned": FAR}),
    ):  # fmt: skip
        add_version(made, "npors", ledger(key, **dates), model=f"ft:{key}", deployment=None, cost_usd=None, now=NOW)
    promote(made, "npors", "v1", verdict=Verdict("non_inferior", ""), evaluation={}, now=NOW)
    return store


@pytest.mark.parametrize("command", ["promote", "rollout"])
def test_version_is_warned_about_ahead_and_refused_once_it_is_shut_down(
    nightpoll: CommandLine, registered: Path, command: str
) -> None:
    how = ("--force", "tonight") if command == "promote" else ("--share", "10%")

    over, near, stays = (nightpoll("models", command, "npors", "--version", v, *how) for v in ("v3", "v2", "v4"))

    assert (over.code, near.code, stays.code) == (2, 0, 0)
    assert f"the service shut npors@v3 (ft:c) down on {OVER}" in over.err
    assert "finetune deploy JOB --register NAME" in over.err
    assert f"down on {NEAR}, in " in near.err.replace("\n", " ")
    assert "shut" not in stays.err
    model = load_registry(open_store(str(registered))).models["npors"]
    assert model.version("v3").state == "candidate"


def test_registry_shows_each_date_and_what_is_near_or_over(nightpoll: CommandLine, registered: Path) -> None:
    document = json.loads(nightpoll("models", "show", "npors", "--json").out)
    people = nightpoll("models", "list").out.replace("\n", " ")

    assert [v["retires_on"] for v in document["versions"]] == [None, str(NEAR), str(OVER), str(FAR)]
    assert len(document["shutdowns"]) == 2
    assert "npors@v2 (ft:b) down" in people
    assert "npors@v3 (ft:c) down" in people


@pytest.mark.parametrize(
    ("days", "code", "said"),
    [
        pytest.param((FAR, OVER, FAR), 2, "stopped training mini", id="trains no more"),
        pytest.param((FAR, FAR, OVER), 2, "shut mini", id="what comes of it is shut down"),
        pytest.param((OVER, FAR, FAR), 6, "", id="the base alone is shut down"),
        pytest.param((FAR, NEAR, FAR), 6, "stops training mini (gpt-4.1-mini) on", id="trains not for long"),
    ],
)
def test_training_is_refused_before_anybody_is_asked(
    nightpoll: CommandLine, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch,
    days: tuple[date, date, date], code: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("finetuning.jobs.submit.LOOK_EVERY_S", 0.0)
    base, trains, tuned = days
    (tmp_path / "models.yaml").write_text(MODELS.format(base=base, trains=trains, tuned=tuned), encoding="utf-8")
    (tmp_path / "training.jsonl").write_bytes(jsonl(training_lines(20)))

    done = nightpoll("finetune", "submit", "training.jsonl", "--model", "mini", "--yes")

    assert done.code == code, done
    assert said in done.err.replace("\n", " ")


def test_model_that_the_service_has_shut_down_is_not_deployed(nightpoll: CommandLine, store: Path) -> None:
    change_ledger(open_store(str(store)), "over", lambda _: ledger("over", tuned=OVER))

    done = nightpoll("finetune", "deploy", "over", "--register", "npors")

    assert done.code == 2
    assert f"down on {OVER}" in done.err
    assert load_registry(open_store(str(store))).models == {}


def test_empty_reason_forces_nothing(nightpoll: CommandLine, registered: Path) -> None:
    done = nightpoll("models", "promote", "npors", "--version", "v4", "--force", " ")

    assert (done.code, "the reason is empty" in done.err) == (2, True)
