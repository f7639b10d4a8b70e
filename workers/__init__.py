"""Celery app and tasks, global limiter, keeper, supervisor, reading answers, landing."""
