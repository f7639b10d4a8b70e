"""Earlier predictions as an arm: a wide CSV in, one row per task out, accuracy = matches / eligible, exactly."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.main import run as nightpoll
from tests.support.emulator import running_emulator
from tests.support.fleet import running_fleet
from tests.support.studies import write_study

pytestmark = pytest.mark.e2e


def add_import(study: Path) -> tuple[int, int]:
    """Give the study an arm of earlier predictions; returns matches and eligible over both questions."""
    rows = list(csv.DictReader((study.parent / "survey.csv").read_text("utf-8").splitlines()))
    matches = 0
    with (study.parent / "earlier.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "mood_LLM", "trust_LLM"])
        for i, row in enumerate(rows):
            mood = row["mood"] if i % 3 == 0 else "2"
            matches += (mood == row["mood"]) + (row["trust"] == "1")
            writer.writerow([row["id"], mood, "Yes"])
    text = study.read_text().replace("arms:\n", "arms:\n  earlier: {import: earlier.csv}\n")
    study.write_text(text)
    return matches, 2 * len(rows)


def test_imported_predictions_are_scored_exactly(monkeypatch, capsys):
    with running_emulator() as emulator, running_fleet(n_workers=1, emulator={}) as fleet:
        study = write_study(fleet.folder / "study", emulator.base_url, n_respondents=50)
        matches, eligible = add_import(study)
        for name, value in fleet.environ.items():
            monkeypatch.setenv(name, value)

        assert nightpoll(["run", str(study), "--yes", "--run-id", "r"]) == 0
        assert nightpoll(["evaluate", "r"]) == 0

        rows = pq.read_table(fleet.store.path("r/evaluation/metrics.parquet")).to_pylist()
        (pooled,) = [
            r
            for r in rows
            if (r["arm"], r["question_id"], r["metric"], r["form"]) == ("earlier", "*pooled", "accuracy", "strict")
            and not r["weighted"]
            and r["split"] == "all"
        ]
        assert pooled["value"] == matches / eligible
        assert pooled["n"] == eligible
        assert "SIMULATED_SERVICE" in capsys.readouterr().out
