"""Rolling a failing version back: the registry changes once, the run is told, and what a study pins stays asked."""

from pathlib import Path

import pytest

from finetuning.versions.registry import withdraw
from schemas.tuning import Registry
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store, open_store
from storage.tuning_records import change_registry, load_registry
from tests.support.cli_runs import open_run
from tests.support.studies import write_study
from tests.support.versions import BAD, GOOD, entry, register
from workers.versions.answers_so_far import in_service
from workers.versions.replacing import follow_registry, pause, roll_back

URL = "http://127.0.0.1:9/v1"
FAILING = entry("v2", BAD, URL)


def run_of(tmp_path: Path, *, model: str = "tuned", previous: str | None = "v1") -> Store:
    register(open_store(str(tmp_path / "store")), {"v1": URL, "v2": URL}, previous=previous)
    study = write_study(tmp_path / "study", URL, n_respondents=6)
    study.write_text(study.read_text("utf-8").replace("{model: mini", f"{{model: {model}"), "utf-8")
    return open_run(study, tmp_path / "store")


def rolled_out(store: Store, *, share: float) -> None:
    def edit(registry: Registry) -> Registry:
        changed = registry.models["tuned"].model_copy(update={"rollout": ("v1", share)})
        return Registry(models={"tuned": changed})

    change_registry(store, edit)


def live(store: Store) -> str:
    found = load_registry(store).models["tuned"].live()
    assert found is not None
    return found.version


def test_rollback_changes_registry_and_run_once_however_often_it_is_said(tmp_path: Path) -> None:
    store = run_of(tmp_path)

    assert roll_back(store, "r", "tuned", FAILING, "60 of 60 answers cannot be read")
    assert roll_back(store, "r", "tuned", FAILING, "60 of 60 answers cannot be read")

    state = load_state(store, "r")
    assert live(store) == "v1"
    assert [one.entry.model for one in state.replaced] == [GOOD]
    assert state.reason == "tuned@v2 was rolled back: 60 of 60 answers cannot be read. tuned@v1 answers the rest."


def test_rollback_without_a_version_before_is_none_and_the_pause_says_so(tmp_path: Path) -> None:
    store = run_of(tmp_path, previous=None)

    assert not roll_back(store, "r", "tuned", FAILING, "bad")
    pause(store, "r", "tuned", FAILING, "bad")

    assert live(store) == "v2"
    assert "There is no version before it; `nightpoll resume r` goes on with it" in load_state(store, "r").reason


def test_resume_takes_the_version_in_service_after_a_rollback_and_the_same_one_without(tmp_path: Path) -> None:
    store = run_of(tmp_path)
    pause(store, "r", "tuned", FAILING, "bad")

    follow_registry(store, "r")
    assert load_state(store, "r").replaced == []

    withdraw(store, "tuned", "v2")
    follow_registry(store, "r")
    append_event(store, "r", "resumed")
    state = load_state(store, "r")
    found = state.replacement("tuned")
    assert found is not None
    assert (found.entry.version, state.is_active, state.stopped_models) == ("tuned@v1", True, {})


def test_withdrawing_a_version_that_is_rolled_out_ends_the_rollout_only(tmp_path: Path) -> None:
    store = run_of(tmp_path)
    rolled_out(store, share=0.2)

    after = withdraw(store, "tuned", "v1")

    assert after is not None
    assert after.version == live(store) == "v2"
    assert load_registry(store).models["tuned"].rollout is None


def test_pause_during_a_rollout_says_that_the_command_is_needed_twice(tmp_path: Path) -> None:
    store = run_of(tmp_path)
    rolled_out(store, share=0.2)

    pause(store, "r", "tuned", FAILING, "bad")

    assert "`nightpoll models rollback tuned`, twice (first the rollout ends)" in load_state(store, "r").reason


@pytest.mark.parametrize(("model", "judged"), [("tuned", {"tuned"}), ("tuned@v2", set()), ("tuned@v1", set())])
def test_only_what_is_in_service_is_judged_not_what_a_study_pins(tmp_path: Path, model: str, judged: set[str]) -> None:
    store = run_of(tmp_path, model=model)

    assert set(in_service(load_manifest(store, "r"), load_state(store, "r"))) == judged
