"""What a version answered so far, counted from landed parts: by its model id, since a moment, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from storage.runs import load_manifest
from storage.store import Store, open_store
from tests.support.cli_runs import land, open_run
from tests.support.studies import write_study
from tests.support.versions import BAD, GOOD, register
from workers.versions.answers_so_far import AnswersSoFar, Asked
from workers.versions.rates import Tally

URL = "http://127.0.0.1:9/v1"
EARLY, LATE = (datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (1, 3))


def landed(tmp_path: Path) -> Store:
    """80 requests of tuned@v2: by fours a good, an unreadable, a failed answer, and one of v1; half of them early."""
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
        return {"model": BAD, "created_at": EARLY if n < 40 else LATE} | kinds[n % 4]

    land(store, "r", answer)
    return store


def test_answers_are_counted_by_version_and_moment_and_once(tmp_path: Path) -> None:
    store = landed(tmp_path)
    manifest = load_manifest(store, "r")
    so_far, shards = AnswersSoFar(store, manifest), manifest.online_shards["tuned"]
    all_of_v2 = Asked(shards, BAD, None)

    assert so_far.tally(all_of_v2) == Tally(60, 20, 40, 20)
    assert so_far.tally(all_of_v2) == Tally(60, 20, 40, 20)
    assert so_far.tally(Asked(shards, BAD, EARLY + timedelta(hours=1))) == Tally(30, 10, 20, 10)
    assert so_far.tally(Asked(shards, GOOD, None)) == Tally(20, 0, 20, 0)
    assert so_far.tally(Asked(shards[:1], BAD, None)).requests == 6
