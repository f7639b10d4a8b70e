from datetime import UTC, datetime, timedelta

from storage.runs import load_manifest
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from workers.predictions.compaction import compact
from workers.predictions.late_answers import late_answers

BATCH = 'base_url: "http://127.0.0.1:9/v1"'


def late_of(tmp_path, arm_keys):
    study = write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=12, arm_keys=arm_keys, batch=[BATCH])
    store, moments = open_run(study, tmp_path / "runs"), iter(range(24))
    soon = datetime.now(UTC)
    land(store, "r", lambda _: {"created_at": soon + timedelta(minutes=next(moments))})
    compact(store, "r")
    return late_answers(store, load_manifest(store, "r"))


def test_answers_after_the_deadline_are_counted_by_arm(tmp_path):
    deadline = (datetime.now(UTC) + timedelta(minutes=20, seconds=30)).isoformat()

    assert late_of(tmp_path, f'transport: batch, deadline: "{deadline}"') == {"basic": 3}


def test_arm_without_a_deadline_has_no_late_answer(tmp_path):
    assert late_of(tmp_path, "transport: batch") == {}
