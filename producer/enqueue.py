"""Publishing shards: one small Celery message each, by task name, in one pipeline."""

from collections.abc import Sequence
from typing import NamedTuple

from celery import Celery

from schemas import wire


class ShardMessage(NamedTuple):
    """What a message carries."""

    run_id: str
    shard: int
    generation: int


def celery_app(broker_url: str) -> Celery:
    """A Celery application with the shared settings and no tasks of its own."""
    app = Celery("nightpoll", broker=broker_url)
    app.conf.update(wire.broker_settings())
    return app


def publish(app: Celery, messages: Sequence[ShardMessage]) -> None:
    """Enqueue shards. Publishing one twice is harmless: lock and part decide.

    Raises:
        kombu.exceptions.OperationalError: Redis is away; some messages may have gone out.
    """
    with app.producer_or_acquire() as producer:
        for message in messages:
            app.send_task(
                wire.PREDICT_SHARD,
                args=[message.run_id, message.shard, message.generation, wire.MESSAGE_FORMAT],
                producer=producer,
                ignore_result=True,
                argsrepr="",
                kwargsrepr="",
                retry=False,
            )


def publish_evaluation(app: Celery, run_id: str) -> None:
    """Enqueue the evaluation of a run. Twice is harmless: the lock and the run's events decide.

    Raises:
        kombu.exceptions.OperationalError: Redis is away.
    """
    app.send_task(wire.EVALUATE_RUN, args=[run_id, wire.MESSAGE_FORMAT], ignore_result=True, retry=False)
