"""Only calls of our own tasks, as we publish them, come out of the queue."""

import json
import pickle
from typing import Any

import pytest
from celery.exceptions import InvalidTaskError
from kombu.message import Message

from schemas import wire
from workers.app import worker_app
from workers.messages import allow_only_ours, check

EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message(body: bytes, content_type: str = "application/json", **headers: Any) -> Message:
    encoding = "utf-8" if "json" in content_type else "binary"
    return Message(
        body, headers=headers, content_type=content_type, content_encoding=encoding, accept={"application/json"}
    )


def call(args: Any, kwargs: Any = None, **embed: Any) -> Message:
    return message(json.dumps([args, {} if kwargs is None else kwargs, EMBED | embed]).encode())


@pytest.mark.parametrize("args", [["r", 0, 0, 1], ["npors2024-x.y_z", 2**31 - 1, 7, 1], ["r", 0, 0, 99]])
def test_call_as_published_passes(args):
    check(wire.PREDICT_SHARD, call(args))
    check(wire.EVALUATE_RUN, call([args[0], args[-1]]))


@pytest.mark.parametrize(
    "bad",
    [
        message(pickle.dumps(([], {}, {})), "application/x-python-serialize"),
        message(pickle.dumps(([], {}, {}))),
        message(b"!!python/name:os.system", "application/x-yaml"),
        message(b""),
        message(b"null"),
        message(b"[[]]"),
        message(b'{"args": []}'),
        call([]),
        call(["r"]),
        call(["r", 0, 0, 1, 2]),
        call(["r", "0", 0, 1]),
        call(["r", True, 0, 1]),
        call(["r", -1, 0, 1]),
        call(["r", 10**12, 0, 1]),
        call(["r", 0.5, 0, 1]),
        call([["r"], 0, 0, 1]),
        call(["../r", 0, 0, 1]),
        call(["", 0, 0, 1]),
        call(["r", 0, 0, 1], {"x": 1}),
        call(["r", 0, 0, 1], callbacks=[{"task": "os.system", "args": ["id"]}]),
        call(["r", 0, 0, 1], chain=[{"task": "os.system"}]),
        message(json.dumps([["r", 0, 0, 1], {}, EMBED]).encode(), eta="2099-01-01T00:00:00"),
    ],
)
def test_anything_else_is_invalid(bad):
    with pytest.raises(InvalidTaskError):
        check(wire.PREDICT_SHARD, bad)


def test_tasks_that_celery_brings_along_are_gone():
    app = worker_app("memory://")

    @app.task(name=wire.PREDICT_SHARD)
    def predict_shard() -> None:
        """Nothing."""

    allow_only_ours(app)

    assert set(app.tasks) == {wire.PREDICT_SHARD}
