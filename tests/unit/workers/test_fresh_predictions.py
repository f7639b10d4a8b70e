"""Compaction by a command beside the keeper's own."""

from storage.parts import landed_units
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from workers.predictions import fresh_predictions
from workers.predictions.fresh_predictions import compact_if_needed


def test_run_whose_last_parts_land_during_compaction_is_compacted_again(tmp_path, monkeypatch):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8), tmp_path / "store")
    seen = []

    def slow_compaction(store, run_id):
        seen.append(len(landed_units(store, run_id)))
        if len(seen) == 1:
            land(store, run_id, lambda _row: {})

    monkeypatch.setattr(fresh_predictions, "compact", slow_compaction)

    compact_if_needed(made, "r")

    assert seen == [0, 2]


def test_run_that_goes_on_is_compacted_once(tmp_path, monkeypatch):
    made = open_run(write_study(tmp_path / "study", "http://127.0.0.1:9/v1", n_respondents=8), tmp_path / "store")
    seen = []

    def slow_compaction(store, run_id):
        seen.append(len(landed_units(store, run_id)))
        land(store, run_id, lambda _row: {}, leave_shards=1)

    monkeypatch.setattr(fresh_predictions, "compact", slow_compaction)

    compact_if_needed(made, "r")

    assert seen == [0]
