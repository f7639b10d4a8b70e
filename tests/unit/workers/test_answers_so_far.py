"""What a version answered so far, counted from landed parts: by its model id, once."""

from pathlib import Path
from typing import Any

from storage.runs import load_manifest, load_state
from storage.store import Store, open_store
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from tests.support.versions import BAD, GOOD, register
from workers.open_units import online_units
from workers.versions.answers_so_far import AnswersSoFar, Asked
from workers.versions.rates import Tally

URL = "http://127.0.0.1:9/v1"


def landed(tmp_path: Path) -> Store:
    """80 requests of tuned@v2: by fours a good, an unreadable, a failed answer, and one of v1."""
    register(open_store(str(tmp_path / "store")), {"v1": URL, "v2": URL})
    study = write_study(tmp_path / "study", URL, n_respondents=40)
    study.write_text(study.read_text("utf-8").replace("{model: mini", "{model: tuned"), "utf-8")
    store = open_run(study, tmp_path / "store")
    kinds: list[dict[str, Any]] = [
        {"turns": ["1"]}, {"turns": ["well ..."]}, {"outcome": "failed", "turns": []}, {"turns": ["1"], "model": GOOD}
    ]  # fmt: skip
    count = iter(range(80))

    def answer(_: dict[str, Any]) -> dict[str, Any]:
        n = next(count)
        return {"model": BAD} | kinds[n % 4]

    land(store, "r", answer)
    return store


def test_answers_are_counted_by_version_and_once(tmp_path: Path) -> None:
    store = landed(tmp_path)
    manifest = load_manifest(store, "r")
    so_far, units = AnswersSoFar(store, manifest), online_units(manifest, load_state(store, "r"))["tuned"]

    assert so_far.tally("tuned", Asked(units, BAD)) == Tally(60, 20, 40, 20)
    assert so_far.tally("tuned", Asked(units, BAD)) == Tally(60, 20, 40, 20)
    assert so_far.tally("tuned", Asked(units, GOOD)) == Tally(20, 0, 20, 0)
    assert AnswersSoFar(store, manifest).tally("tuned", Asked(units[:1], BAD)).requests == 6
