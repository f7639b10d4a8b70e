"""The Celery application of a worker process."""

from celery import Celery

from producer.enqueue import celery_app
from workers.connection import broker_url


def worker_app(redis_url: str) -> Celery:
    """An application that consumes shards; the task itself is added by `workers.tasks.register`."""
    app = celery_app(broker_url(redis_url))
    app.conf.update(worker_pool="threads", worker_redirect_stdouts=False)
    return app
