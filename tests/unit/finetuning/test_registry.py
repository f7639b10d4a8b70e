"""Versions that were taken out of use, and versions that are registered."""

from datetime import UTC, datetime

import pytest

from finetuning.versions.promotion import Verdict
from finetuning.versions.registry import add_version, promote, retire, rollback, rollout, withdraw
from schemas.errors import UserInputError
from schemas.tuning import TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import load_registry
from tests.support.plans import make_model
from workers.opening import registered_models

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PASSES = Verdict("non_inferior", "")


def ledger(**overrides):
    values = {"key": "job", "entry_name": "mini", "entry": make_model(), "model": "base", "created_at": NOW}
    return TuningLedger.model_validate(values | overrides)


def add(store, model, deployment="dep"):
    return add_version(store, "npors", ledger(), model=model, deployment=deployment, cost_usd=None, now=NOW)


@pytest.fixture
def store(tmp_path) -> Store:
    """v1 is live, v2 is retired."""
    made = open_store(str(tmp_path / "runs"))
    add(made, "ft:a")
    add(made, "ft:b")
    promote(made, "npors", "v1", verdict=PASSES, evaluation={}, now=NOW)
    retire(made, "npors", "v2")
    return made


def model(store):
    return load_registry(store).models["npors"]


def test_retired_version_is_not_promoted_even_by_force(store):
    with pytest.raises(UserInputError, match="retired") as e:
        promote(store, "npors", "v2", verdict=PASSES, evaluation={}, now=NOW, reason="tonight")

    assert model(store).live().version == "v1"
    assert "finetune deploy" in e.value.hint


def test_retired_version_is_not_rolled_out(store):
    with pytest.raises(UserInputError, match="retired") as e:
        rollout(store, "npors", "v2", 0.1)

    assert (model(store).rollout, e.value.where) == (None, "--version")


def test_retired_version_is_asked_by_no_study(store):
    assert set(registered_models(store)) == {"npors", "npors@v1"}


def test_retired_version_that_is_registered_again_is_a_candidate(store):
    again = add(store, "ft:b", "other")

    assert (again.version, again.state, again.entry.deployments[0].deployment) == ("v2", "candidate", "other")
    assert model(store).live().version == "v1"
    assert promote(store, "npors", "v2", verdict=PASSES, evaluation={}, now=NOW).models["npors"].live().version == "v2"


def test_live_version_that_is_registered_again_stays_live(store):
    assert add(store, "ft:a").state == "live"


def test_retiring_ends_a_rollout_and_nothing_rolls_back_to_it(store):
    add(store, "ft:c")
    rollout(store, "npors", "v3", 0.5)
    assert retire(store, "npors", "v3").models["npors"].rollout is None

    add(store, "ft:d")
    promote(store, "npors", "v4", verdict=PASSES, evaluation={}, now=NOW)
    assert retire(store, "npors", "v1").models["npors"].previous is None
    with pytest.raises(UserInputError, match="no earlier live version"):
        rollback(store, "npors")


def test_version_that_was_withdrawn_is_not_gone_back_to(store):
    add(store, "ft:c")
    promote(store, "npors", "v3", verdict=PASSES, evaluation={}, now=NOW)

    assert withdraw(store, "npors", "v3").version == "v1"

    assert model(store).previous is None
    with pytest.raises(UserInputError, match="no earlier live version"):
        rollback(store, "npors")


def test_live_version_is_not_rolled_out_beside_itself(store):
    with pytest.raises(UserInputError, match="is live: it answers for all"):
        rollout(store, "npors", "v1", 0.1)

    assert model(store).rollout is None
    rollout(store, "npors", "v1", 0.0)  # ending a rollout asks nothing of the version
