"""Promotion: what may replace what is in service, and what is told where it may not."""

from datetime import UTC, datetime
from math import nan
from pathlib import Path

import pytest

from cli.views.registry import parsed_share
from finetuning.versions.promotion import Difference, Evidence, judge
from finetuning.versions.registry import add_version, promote, retire, rollback, rollout
from schemas.errors import UserInputError
from schemas.models import Deployment, Model
from schemas.tuning import Registry, TuningLedger
from storage.store import Store
from storage.tuning_records import load_registry

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOOD = Evidence(Difference("accuracy", 0.02, 0.001, 0.04), Difference("log loss", 0.01, -0.002, 0.02), (), 900)


@pytest.mark.parametrize(
    ("changes", "outcome", "figure"),
    [
        pytest.param({}, "non_inferior", "+2.0 points", id="better"),
        pytest.param({"accuracy": Difference("accuracy", 0.0, -0.009, 0.009)}, "non_inferior", "+0.0", id="as good"),
        pytest.param({"accuracy": Difference("accuracy", -0.05, -0.07, -0.03)}, "inferior", "-5.0 points", id="worse"),
        pytest.param({"accuracy": Difference("accuracy", 0, -0.02, 0.02)}, "inconclusive", "-2.0 points", id="open"),
        pytest.param({"second": Difference("log loss", -0.1, -0.2, -0.05)}, "inferior", "-0.1000", id="worse loss"),
        pytest.param(
            {"second": Difference("total variation", -0.2, -0.22, -0.18)}, "inferior", "-0.2000", id="other shares"
        ),
        pytest.param(
            {"second": Difference("total variation", nan, nan, nan)},
            "inconclusive",
            "is undefined on 900",
            id="undefined",
        ),
        pytest.param({"new_flags": [("UNITY", "COLLAPSED")]}, "unsound", "COLLAPSED at UNITY", id="collapsed"),
        pytest.param(
            {
                "new_flags": [("UNITY", "COLLAPSED")],
                "second": Difference("total variation", -0.2, -0.22, -0.18),
            },
            "unsound",
            "COLLAPSED at UNITY; total variation -0.2000 (95 %",
            id="collapsed, with the figure",
        ),
        pytest.param({"n_in_sample": 3}, "unsound", "3 of its respondents", id="in sample"),
        pytest.param({"unproven": "no manifest tells."}, "unsound", "no manifest", id="nothing proves it"),
        pytest.param({"simulated": True}, "unsound", "an emulator", id="emulator for a real model"),
    ],
)
def test_candidate_is_judged_with_the_figure(changes: dict, outcome: str, figure: str) -> None:
    verdict = judge(GOOD._replace(**changes), candidate_is_simulated=False)

    assert verdict.outcome == outcome
    assert figure in verdict.sentence
    assert verdict.passes == (outcome == "non_inferior")


def ledger() -> TuningLedger:
    served = Deployment(name="d", base_url="http://127.0.0.1:1", auth="none", rpm=1)
    entry = Model(provider="openai", model="base", deployments=[served])
    return TuningLedger(key="k", entry_name="mini", entry=entry, model="base", created_at=NOW)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    for model in ("ft:a", "ft:b"):
        add_version(store, "npors", ledger(), model=model, deployment=None, cost_usd=1.0, now=NOW)
    return store


def put_live(store: Store, version: str, **more: str) -> Registry:
    verdict = judge(GOOD, candidate_is_simulated=False)
    return promote(store, "npors", version, verdict=verdict, evaluation={}, now=NOW, **more)


def test_version_is_added_once_and_carries_what_a_run_calls(store: Store) -> None:
    again = add_version(store, "npors", ledger(), model="ft:a", deployment="dep", cost_usd=1.0, now=NOW)

    assert [v.version for v in load_registry(store).models["npors"].versions] == ["v1", "v2"]
    assert (again.entry.model, again.entry.version) == ("ft:a", "npors@v1")
    assert again.entry.deployments[0].deployment == "dep"


def test_promotion_replaces_and_rollback_brings_back(store: Store) -> None:
    put_live(store, "v1")
    put_live(store, "v2")
    assert load_registry(store).models["npors"].live().model == "ft:b"

    rollback(store, "npors")

    assert load_registry(store).models["npors"].live().model == "ft:a"
    with pytest.raises(UserInputError, match="live"):
        retire(store, "npors", "v1")
    assert retire(store, "npors", "v2").models["npors"].version("v2").state == "retired"


def test_only_live_version_is_retired_when_that_is_asked_for(store: Store) -> None:
    put_live(store, "v1")
    rollout(store, "npors", "v2", 0.1)

    with pytest.raises(UserInputError, match="is live") as e:
        retire(store, "npors", "v1")
    left = retire(store, "npors", "v1", live=True).models["npors"]

    assert e.value.hint == "Promote another version first; `--live` leaves none in service."
    assert (left.live(), left.rollout, left.version("v1").state) == (None, None, "retired")


def test_failed_verdict_promotes_only_with_a_reason(store: Store) -> None:
    worse = judge(GOOD._replace(n_in_sample=1), candidate_is_simulated=False)

    with pytest.raises(UserInputError, match="training files"):
        promote(store, "npors", "v1", verdict=worse, evaluation={}, now=NOW)
    promote(store, "npors", "v1", verdict=worse, evaluation={}, now=NOW, reason="needed tonight")

    assert load_registry(store).models["npors"].live().reason == "needed tonight"


def test_rollout_needs_a_live_version_and_rollback_ends_it(store: Store) -> None:
    with pytest.raises(UserInputError, match="no live version"):
        rollout(store, "npors", "v2", 0.1)
    put_live(store, "v1")

    assert rollout(store, "npors", "v2", 0.1).models["npors"].rollout == ("v2", 0.1)
    assert rollback(store, "npors").models["npors"].rollout is None


def test_share_is_read_in_percent_and_as_a_number() -> None:
    assert parsed_share("10%") == parsed_share("0.1") == pytest.approx(0.1)
    with pytest.raises(UserInputError):
        parsed_share("a tenth")


@pytest.mark.parametrize("text", ["10", "1", "1.0", "100"])
def test_share_without_a_per_cent_sign_is_asked_back(text: str) -> None:
    with pytest.raises(UserInputError, match="no % sign") as e:
        parsed_share(text)

    assert f"{text}%" in e.value.hint


@pytest.mark.parametrize("text", ["101%", "-1%", "nan", "inf", "-0.1"])
def test_share_that_is_none_is_refused(store: Store, text: str) -> None:
    with pytest.raises(UserInputError, match="from 0% to 100%"):
        rollout(store, "npors", "v1", parsed_share(text))
