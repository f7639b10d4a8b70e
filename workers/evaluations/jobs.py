"""Evaluations asked for, and the keeper's part: publish those that nobody works on."""

from collections.abc import Callable, Iterable

from celery import Celery
from redis import Redis

from producer.enqueue import publish_evaluation
from schemas import wire
from storage.runs import append_event
from storage.store import Store

AGAIN_AFTER_S = 15.0
"""A published evaluation that nobody holds counts as lost after this long."""


def ask_for_evaluation(store: Store, run_id: str, *, with_report: bool) -> None:
    """Have a run evaluated by the workers once it has ended."""
    append_event(store, run_id, "evaluation_asked", {"report": with_report})


class EvaluationJobs:
    """Remembers when it published what; forgetting that does no harm."""

    def __init__(self, redis: Redis, app: Celery, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._app = app
        self._clock = clock
        self._published_s: dict[str, float] = {}

    def publish(self, run_ids: Iterable[str]) -> None:
        """One message for every run that waits for its evaluation.

        Raises:
            RedisError, OperationalError: Redis is away.
        """
        wanted = set(run_ids)
        self._published_s = {run_id: at_s for run_id, at_s in self._published_s.items() if run_id in wanted}
        now_s = self._clock()
        for run_id in sorted(wanted):
            at_s = self._published_s.get(run_id)
            if at_s is not None and now_s - at_s < AGAIN_AFTER_S:
                continue
            self._published_s[run_id] = now_s
            if not self._redis.exists(wire.evaluation_lock(run_id)):
                publish_evaluation(self._app, run_id)
