"""What events fold into: the evaluation that workers do after a run."""

from datetime import UTC, datetime, timedelta

from schemas.events import Event, EventKind, RunState, fold

START = datetime(2026, 11, 1, tzinfo=UTC)


def after(*kinds: tuple[EventKind, dict]) -> RunState:
    return fold(Event(id=f"{i}", at=START + timedelta(seconds=i), kind=k, data=d) for i, (k, d) in enumerate(kinds))


def test_evaluation_waits_until_the_run_has_ended():
    asked = [("opened", {}), ("evaluation_asked", {"report": True})]

    assert not after(*asked).is_to_evaluate
    assert after(*asked, ("finished", {})).is_to_evaluate
    assert after(*asked, ("cancelled", {})).is_to_evaluate
    assert after(*asked, ("finished", {})).with_report


def test_evaluation_is_done_once_and_can_be_asked_again():
    done = [("opened", {}), ("finished", {}), ("evaluation_asked", {}), ("evaluated", {"exit_code": 0})]

    assert after(*done).evaluation == "done"
    assert after(*done, ("evaluated", {"exit_code": 1})).evaluation == "done"
    assert after(*done, ("evaluation_asked", {})).is_to_evaluate


def test_evaluation_that_failed_keeps_its_reason():
    state = after(
        ("opened", {}),
        ("finished", {}),
        ("evaluation_asked", {}),
        ("evaluated", {"exit_code": 6, "message": "damaged"}),
    )

    assert (state.evaluation, state.evaluation_note) == ("failed", "damaged")
    assert state.phase == "finished"


def test_version_that_was_rolled_back_to_answers_the_rest_and_is_taken_once():
    entry = {"provider": "openai", "model": "m1", "version": "tuned@v1"}
    entry["deployments"] = [{"name": "a", "base_url": "http://127.0.0.1:9/v1", "auth": "none", "rpm": 60}]
    stop = {"model": "tuned", "message": "fails", "exit_code": 5}
    moved = {"model": "tuned", "entry": entry, "message": "v1 answers the rest"}

    state = after(("opened", {}), ("model_stopped", stop), ("replaced", moved))
    again = after(("opened", {}), ("replaced", moved), ("replaced", moved))

    assert state.is_active
    assert state.stopped_models == {}
    assert state.replacement("tuned").entry.version == "tuned@v1"
    assert state.replacement("other") is None
    assert len(again.replaced) == 1


def test_budget_that_was_no_number_leaves_the_run_readable():
    assert after(("opened", {}), ("budget", {"run_usd": 3.0})).budget_usd == 3.0
    assert after(("opened", {}), ("budget", {"run_usd": None})).budget_usd is None
