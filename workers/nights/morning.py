"""The morning summary: what ran in a night, what it cost, what failed, headline figures, drift against last time.

Figures and names only: no prompt, no answer, no respondent. The webhook's form also leaves out what services said.
"""

import json
import sys
import threading
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from evaluation.inference.drift import compare_runs
from schemas import run_paths
from schemas.errors import NightpollError
from schemas.overnight import NIGHTS_DIR, Night, OvernightQueue, QueueEntry
from schemas.settings import Settings
from storage.runs import load_manifest, load_state
from storage.store import Store
from workers.nights.child import Guard, run_child, unguarded
from workers.nights.clock import NightClock
from workers.nights.entries import change_queue, read_queue
from workers.nights.rules import untold_nights
from workers.nights.webhook import post
from workers.progress import ProgressReader

FORMAT_NO = 1
QUIET_WITHIN_S = 60.0
MOST_LINES = 12


def summary_path(night: date | str) -> str:
    """Where the summary of a night lies in the store."""
    return f"{NIGHTS_DIR}/{night}.json"


def make_summary(
    store: Store, settings: Settings, night: date, now: datetime, guard: Guard = unguarded
) -> dict[str, Any]:
    """Write the summary of a night, tell the webhook, note that it is told; safe to call again.

    The webhook is told before that is noted: after a crash in between it hears of the night twice, never not at all.
    """
    queue = read_queue(store)
    worked = untold_nights(queue).get(night, [])
    document = summary(store, queue, night, now)
    guard()
    with store.writing(summary_path(night)) as scratch:
        scratch.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    if settings.webhook_url is not None:
        post(settings.webhook_url.get_secret_value(), json.dumps(_public(document)).encode())
    ids = [entry.id for entry in worked]
    change_queue(store, lambda q: q.model_copy(update={"told": {**dict(list(q.told.items())[-90:]), str(night): ids}}))
    return document


def summary(store: Store, queue: OvernightQueue, night: date, now: datetime) -> dict[str, Any]:
    """The summary of a night: entries in the order in which they began."""
    worked = [(entry, n) for entry in queue.entries for n in entry.nights if n.night == night]
    worked.sort(key=lambda pair: pair[1].began_at)
    earlier = _costs_before(store, night)
    entries = [_of_entry(store, entry, n, earlier) for entry, n in worked]
    states = [e["state"] for e in entries]
    return {
        "format_no": FORMAT_NO,
        "night": str(night),
        "made_at": now.isoformat(timespec="seconds"),
        "states": {state: states.count(state) for state in sorted(set(states))},
        "late": sum(1 for e in entries if e["late"]),
        "cost_usd": sum(e["cost_usd"] for e in entries),
        "entries": entries,
    }


def read_summaries(store: Store) -> list[str]:
    """Nights with a summary, oldest first."""
    return [name[:-5] for name in store.names(NIGHTS_DIR) if name.endswith(".json")]


def _of_entry(store: Store, entry: QueueEntry, night: Night, earlier: Mapping[str, float]) -> dict[str, Any]:
    known = night.run_id == entry.run_id
    document: dict[str, Any] = {
        "entry": entry.id, "study": entry.name, "run_id": night.run_id, "state": night.ended, "late": night.late,
        "began_at": night.began_at.isoformat(timespec="seconds"),
        "ended_at": None if night.ended_at is None else night.ended_at.isoformat(timespec="seconds"),
        "reason": entry.reason if known else "", "exit_code": entry.exit_code if known else 0,
        "requests": None, "settled": None, "outcomes": {}, "failures": {}, "cost_usd": 0.0, "run_cost_usd": 0.0,
        "headline": [], "lines": [], "drift": None,
    }  # fmt: skip
    if not store.exists(run_paths.run_json(night.run_id)):
        return document
    if not known:
        document["exit_code"] = load_state(store, night.run_id).exit_code
    document |= _spent(store, night.run_id, earlier)
    if night.ended == "done":
        document |= _figures(store, night.run_id)
        document["drift"] = _drift(store, night)
    return document


def _spent(store: Store, run_id: str, earlier: Mapping[str, float]) -> dict[str, Any]:
    """Counts and costs, once the open calls of a drained run have come back."""
    reader, pause, before = ProgressReader(store, run_id), threading.Event(), -1
    progress = reader.read()
    for _ in range(int(QUIET_WITHIN_S)):
        if progress.n_ended == before or load_state(store, run_id).phase == "finished":
            break
        before = progress.n_ended
        pause.wait(1.0)
        progress = reader.read()
    return {
        "requests": load_manifest(store, run_id).totals.n_requests, "settled": progress.n_settled,
        "outcomes": dict(sorted(progress.outcomes.items())), "failures": dict(sorted(progress.reasons.items())),
        "cost_usd": progress.cost_usd - earlier.get(run_id, 0.0), "run_cost_usd": progress.cost_usd,
    }  # fmt: skip


def _costs_before(store: Store, night: date) -> dict[str, float]:
    """What runs had cost at the end of the last night that worked on them, as that night's summary says."""
    costs: dict[str, float] = {}
    for name in read_summaries(store):
        if name < str(night):
            for entry in json.loads(store.read_bytes(summary_path(name)))["entries"]:
                costs[entry["run_id"]] = entry["run_cost_usd"]
    return costs


def _figures(store: Store, run_id: str) -> dict[str, Any]:
    """Accuracy of each arm over all questions, and the first lines of the evaluation; nothing if there is none."""
    rel = run_paths.evaluation(run_id, "metrics.json")
    if not store.exists(rel):
        return {}
    metrics = json.loads(store.read_bytes(rel))
    pooled = metrics["questions"].get("*pooled", {})
    headline = [
        {"arm": arm, "accuracy": found["value"], "low": found["ci_low"], "high": found["ci_high"], "n": found["n"]}
        for arm, leaves in pooled.items()
        if (found := _accuracy(leaves)) is not None
    ]
    report = run_paths.evaluation(run_id, "report.html")
    figures = {"headline": headline, "lines": metrics["lines"][:MOST_LINES]}
    return figures | ({"report": report} if store.exists(report) else {})


def _accuracy(leaves: list[dict[str, Any]]) -> dict[str, Any] | None:
    found = [leaf for leaf in leaves if leaf["metric"] == "accuracy" and leaf["form"] == "strict"]
    found = [leaf for leaf in found if leaf["split"] == "all" and leaf["level"] is None and leaf["subgroup"] is None]
    weighted = [leaf for leaf in found if leaf["weighted"]]
    return next(iter([*weighted, *found]), None)


def _drift(store: Store, night: Night) -> dict[str, Any] | None:
    if night.previous is None:
        return None
    try:
        found = compare_runs(store, night.previous, night.run_id)
    except NightpollError as error:
        return {"against": night.previous, "over": None, "lines": [error.what]}
    return {"against": night.previous, "over": found.is_over, "lines": found.lines[:MOST_LINES]}


def _public(document: Mapping[str, Any]) -> dict[str, Any]:
    entries = [{k: v for k, v in entry.items() if k != "reason"} for entry in document["entries"]]
    return {**document, "entries": entries}


def _of_night(store: Store, settings: Settings, night: str, guard: Guard) -> None:
    make_summary(store, settings, date.fromisoformat(night), NightClock.of(settings).now(), guard)


if __name__ == "__main__":
    sys.exit(run_child(_of_night, "summary", sys.argv[1], parent=int(sys.argv[2])))
