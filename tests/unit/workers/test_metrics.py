"""Metrics: what is counted is served, names no run, and is all that the alert rules ask for."""

import json
import logging
import re
import socket
import sys
import threading
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from ruamel.yaml import YAML

from schemas.errors import StoreError
from schemas.overnight import OvernightQueue, QueueEntry
from schemas.settings import Settings
from schemas.window import Window
from storage.store import Store
from tests.support.cli_runs import open_run
from tests.support.studies import write_study
from workers import connection, metrics
from workers.logs import JsonLines
from workers.nights.clock import NightClock, set_rehearsal
from workers.nights.entries import change_queue
from workers.shards.landing import Answer

REPO = Path(__file__).resolve().parents[3]


def value(name: str, **labels: str) -> float:
    found = metrics.REGISTRY.get_sample_value(name, labels)
    return 0.0 if found is None else found


def queue_with_a_deadline(store: Store) -> None:
    window = Window(start="22:00", end="06:30", timezone="UTC")
    entry = QueueEntry(
        id="q1", study="/s/study.yaml", name="secret-study", run_id="r", added_at=datetime.now(UTC),
        window=window, deadline="06:30", state="running",
    )  # fmt: skip
    change_queue(store, lambda _: OvernightQueue(entries=[entry]))


def asked_for() -> set[str]:
    """Metrics that the alert rules and the dashboard ask for."""
    rules = YAML(typ="safe").load((REPO / "docs/operations/alerts.yml").read_text("utf-8"))
    board = REPO / "docs/operations/monitoring/grafana/dashboards/nightpoll.json"
    panels = json.loads(board.read_text("utf-8"))["panels"]
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    return {name for expression in expressions for name in re.findall(r"nightpoll_\w+", expression)}


def test_counts_of_many_threads_are_all_there():
    before = value("nightpoll_calls_total", transport="online")
    threads = [threading.Thread(target=lambda: [metrics.count("called") for _ in range(500)]) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert value("nightpoll_calls_total", transport="online") - before == 4000


def test_answers_errors_and_outcomes_are_counted_apart():
    before = value("nightpoll_tokens_total", kind="prompt"), value("nightpoll_cost_usd_total")

    metrics.count("error:timeout")
    metrics.count("ok")
    metrics.answered(Answer("ok", ("1",), 0.5, 1, "2026-11-22T00:00:00+00:00", "m", prompt_tokens=70))

    assert value("nightpoll_call_errors_total", code="timeout") >= 1
    assert value("nightpoll_requests_total", outcome="ok") >= 1
    assert value("nightpoll_tokens_total", kind="prompt") - before[0] == 70
    assert value("nightpoll_cost_usd_total") - before[1] == pytest.approx(0.5)


@pytest.mark.redis
def test_worker_serves_what_alert_rules_ask_for_and_no_name_of_a_run(tmp_path, redis_url):
    store = open_run(write_study(tmp_path / "s", "http://127.0.0.1:9/v1", n_respondents=8), tmp_path / "runs")
    queue_with_a_deadline(store)
    clock = tmp_path / "clock.json"
    set_rehearsal(clock, datetime(2026, 11, 23, 6, 0, tzinfo=UTC), 0.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        settings = Settings(store=str(store.root), metrics_port=first, night_clock=clock)
        port = metrics.serve(settings, store, connection.plain(redis_url))

    metrics.count("failed")
    metrics.count("error:timeout")
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()

    assert port is not None
    assert port > first
    assert asked_for() <= set(re.findall(r"^(?:# TYPE )?(nightpoll_\w+)", page, flags=re.MULTILINE))
    assert 'nightpoll_runs{state="running"} 1.0' in page
    assert 'nightpoll_predictions{state="pending"} 16.0' in page
    assert "nightpoll_night_deadline_seconds 1800.0" in page
    assert "secret-study" not in page
    assert "tiny" not in page


def test_metrics_are_off_without_a_port(tmp_path):
    assert metrics.serve(Settings(), Store(tmp_path), connection.plain("redis://127.0.0.1:1/0")) is None
    assert b"nightpoll_calls_total" in generate_latest(metrics.REGISTRY)


def test_json_log_line_holds_ids_and_never_what_an_exception_says():
    try:
        raise StoreError("the respondent said MARKED")
    except StoreError:
        record = logging.LogRecord("workers.x", logging.ERROR, "x.py", 1, "part not read", (), None)
        record.exc_info = sys.exc_info()
    record.__dict__ |= {"event": "part_failed", "run_id": "r", "request_id": "ab", "rows": ["MARKED"]}

    line = json.loads(JsonLines().format(record))

    assert (line["event"], line["run_id"], line["request_id"]) == ("part_failed", "r", "ab")
    assert (line["error"], line["rows"]) == ("StoreError", "list")
    assert "MARKED" not in json.dumps(line)


def test_clock_of_a_rehearsal_runs_faster_and_jumps(tmp_path):
    file = tmp_path / "clock.json"
    start = datetime(2026, 11, 22, 22, tzinfo=UTC)
    set_rehearsal(file, start, 3600.0)

    clock = NightClock(file)
    first = clock.now()
    set_rehearsal(file, datetime(2027, 1, 1, tzinfo=UTC), 0.0)

    assert start <= first
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC)
