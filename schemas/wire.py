"""What producer, workers and keeper say to each other through Redis: task names, keys, broker settings.

Reasons and measurements for each setting: docs/design/queue.md.
"""

from typing import Any

PREDICT_SHARD = "nightpoll.predict_shard"
"""Celery task: (run_id: str, shard: int, generation: int, format_no: int)."""

EVALUATE_RUN = "nightpoll.evaluate_run"
"""Celery task: (run_id: str, format_no: int)."""

TASKS: dict[str, tuple[type, ...]] = {PREDICT_SHARD: (str, int, int, int), EVALUATE_RUN: (str, int)}
"""Every task there is, with the kinds of its arguments. Workers take no others."""

MESSAGE_FORMAT = 1
QUEUE = "nightpoll"
VISIBILITY_TIMEOUT_S = 300

LOCK_LEASE_S = 12.0
"""How long a shard stays with a holder that no longer renews; also the wait after Redis lost its memory."""
LOCK_RENEW_S = 3.0
KEEPER_LEASE_S = 8.0
KEEPER_RENEW_S = 2.0
GIVING_WAY_S = 3.0

KEY_PREFIX = "nightpoll"


def shard_lock(run_id: str, unit: str) -> str:
    """Lock of a unit: holder token, expires after LOCK_LEASE_S."""
    return f"{KEY_PREFIX}:lock:{run_id}:{unit}"


def evaluation_lock(run_id: str) -> str:
    """Lock of a run's evaluation, like that of a unit."""
    return f"{KEY_PREFIX}:lock:{run_id}:evaluation"


def evaluation_progress(run_id: str) -> str:
    """What the evaluation of a run is doing, in a few words; for status only."""
    return f"{KEY_PREFIX}:evaluating:{run_id}"


def sole_lease(rel: str) -> str:
    """Lease that stands for a lock file of this name where the store is no folder."""
    return f"{KEY_PREFIX}:lock:{rel}"


def keeper_lease() -> str:
    """Lease of the one keeper."""
    return f"{KEY_PREFIX}:keeper"


def limiter(pool: str) -> str:
    """Hash with the next free request and token moments of a quota pool."""
    return f"{KEY_PREFIX}:limiter:{pool}"


def giving_way() -> str:
    """Set of shard locks whose holders should make room for another stream; forgotten after GIVING_WAY_S."""
    return f"{KEY_PREFIX}:giving_way"


def limiter_minute(pool: str) -> str:
    """Hash with what was booked of a quota pool in the last minute, in tenths of a second."""
    return f"{KEY_PREFIX}:minute:{pool}"


def live_workers() -> str:
    """Sorted set of worker ids by the server time of their last beat."""
    return f"{KEY_PREFIX}:workers"


def run_gauges(run_id: str) -> str:
    """Hash of numbers for status only: calls, throttled, failures by reason. Never needed to go on."""
    return f"{KEY_PREFIX}:gauges:{run_id}"


def run_budget(run_id: str) -> str:
    """Hash with what a run has spent and reserved, in billionths of a dollar; folded from the store if missing."""
    return f"{KEY_PREFIX}:budget:{run_id}"


def month_budget(month: str) -> str:
    """Hash with what a store's runs have spent and reserved in a month such as 2026-11, in billionths of a dollar."""
    return f"{KEY_PREFIX}:month:{month}"


def month_open(month: str) -> str:
    """Calls that are open now under a month's budget; forgotten when none goes out for a while."""
    return f"{KEY_PREFIX}:month_open:{month}"


def month_folding(month: str) -> str:
    """Somebody sums up a month from the store right now."""
    return f"{KEY_PREFIX}:month_folding:{month}"


def run_trouble(run_id: str) -> str:
    """What a worker could not write to the store, for status."""
    return f"{KEY_PREFIX}:trouble:{run_id}"


def run_notices(run_id: str) -> str:
    """Hash quota pool -> what the service says of it that slows the run down, for status; gone after an hour."""
    return f"{KEY_PREFIX}:notices:{run_id}"


def broker_settings() -> dict[str, Any]:
    """Celery configuration shared by every process that publishes or consumes."""
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_default_queue": QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_enable_prefetch_count_reduction": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_remote_control": True,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 30,
            "socket_keepalive": True,
            "priority_steps": [0],
            "global_keyprefix": "",
        },
    }
