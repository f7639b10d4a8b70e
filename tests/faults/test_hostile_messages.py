"""Messages put into the queue by hand: nothing in them is run, and the worker goes on with its work."""

import base64
import json
import os
import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from schemas import wire
from storage.runs import load_state
from tests.support.fleet import Fleet, running_fleet, study_of
from tests.support.until import until
from workers import connection

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.accept]


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.path}",))


def message(task: str, body: bytes, content_type: str = "application/json", **headers: Any) -> bytes:
    """As Celery's transport writes one."""
    tag = str(uuid.uuid4())
    named = {"lang": "py", "task": task, "id": tag, "root_id": tag, "argsrepr": "", "kwargsrepr": "", "retries": 0}
    properties = {
        "correlation_id": tag, "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": wire.QUEUE},
        "priority": 0, "body_encoding": "base64", "delivery_tag": tag, "reply_to": "x",
    }  # fmt: skip
    encoding = "binary" if "pickle" in content_type or "serialize" in content_type else "utf-8"
    whole = {
        "body": base64.b64encode(body).decode(), "content-encoding": encoding, "content-type": content_type,
        "headers": named | headers, "properties": properties,
    }  # fmt: skip
    return json.dumps(whole).encode()


def call(*arguments: Any) -> bytes:
    """Body of a task's call."""
    return json.dumps(
        [list(arguments), {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    ).encode()


def hostile(owned: Path) -> dict[str, bytes]:
    """What to put into the queue."""
    known, pickled = wire.PREDICT_SHARD, pickle.dumps(([Touch(owned)], {}, {}))
    chain = json.dumps(
        [["r", 0, 0, 1], {}, {"callbacks": [{"task": "os.system", "args": [f"touch {owned}"]}]}]
    ).encode()
    return {
        "pickled": message(known, pickled, "application/x-python-serialize"),
        "pickled, called JSON": message(known, pickled),
        "YAML": message(known, f"!!python/object/apply:os.system ['touch {owned}']".encode(), "application/x-yaml"),
        "unknown task": message("os.system", call(f"touch {owned}")),
        "task of Celery": message("celery.backend_cleanup", call()),
        "task of Celery, chord": message("celery.chord", call(f"touch {owned}")),
        "callback": message(known, chain),
        "too few": message(known, call("r")),
        "too many": message(known, call("r", 0, 0, 1, 2, 3)),
        "other format": message(known, call("r", 0, 0, 99)),
        "run that leaves": message(known, call("../../../etc", 0, 0, 1)),
        "run that is none": message(known, call("nobody", 0, 0, 1)),
        "shard that is none": message(known, call("run", 10**9, 0, 1)),
        "negative": message(known, call("run", -1, -1, 1)),
        "words for numbers": message(known, call("run", "x", "y", 1)),
        "lists": message(known, call(["run"], {"a": 1}, None, 1)),
        "evaluation that leaves": message(wire.EVALUATE_RUN, call("../../etc", 1)),
        "evaluation of nothing": message(wire.EVALUATE_RUN, call("nobody", 1)),
        "long ago": message(known, call("run", 0, 0, 1), expires="2001-01-01T00:00:00"),
        "no body": message(known, b""),
    }


def goes_on(fleet: Fleet, redis: Redis) -> None:
    study_of(fleet, n_respondents=6)
    fleet.open(fleet.folder / "study" / "study.yaml")
    fleet.until_finished(deadline_s=60)
    assert {row["status"] for row in fleet.rows()} <= {"answered", "unparsed"}
    until(lambda: redis.llen(wire.QUEUE) == 0, deadline_s=10)


def test_hostile_messages_run_nothing_and_the_next_run_is_answered() -> None:
    with running_fleet(n_workers=1) as fleet:
        owned, redis = fleet.folder / "owned", connection.plain(fleet.server.url)
        for content in hostile(owned).values():
            redis.lpush(wire.QUEUE, content)

        goes_on(fleet, redis)

        assert not owned.exists()
        assert fleet.bought_twice() == 0
        assert sorted(p.name for p in fleet.store.root.iterdir() if not p.name.startswith(".")) == ["run"]
        assert all(worker.is_running() for worker in fleet.workers)


def test_garbage_in_the_queue_ends_no_work() -> None:
    with running_fleet(n_workers=1) as fleet:
        redis = connection.plain(fleet.server.url)
        for content in (b"\xff\x00 no JSON", b"[]", b"{}", b"null", b'{"body": 1}'):
            redis.lpush(wire.QUEUE, content)

        study_of(fleet, n_respondents=6)
        fleet.open(fleet.folder / "study" / "study.yaml")
        until(lambda: fleet.mend() or load_state(fleet.store, "run").phase == "finished", deadline_s=90, interval_s=0.2)

        assert fleet.bought_twice() == 0
