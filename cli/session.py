"""A command's connection to workers: an external Redis if one is named, else this store's own supervisor."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from schemas.errors import EnvironmentFailureError, RunInUseError, SettingsError
from schemas.models import Model
from schemas.run_paths import PRIVATE, checked_run_id
from schemas.settings import Settings
from storage.runs import list_run_ids, load_state
from storage.store import Store
from workers import connection
from workers.local.embedded import attached, missing_in_supervisor, supervisor_state
from workers.sole import check_held, sole_lock

_RETIRE_WITHIN_S = 60.0


@contextmanager
def workers_for(
    store: Store, settings: Settings, environ: Mapping[str, str], models: Mapping[str, Model]
) -> Iterator[str]:
    """Workers that can serve these models; yields the Redis URL.

    Raises:
        SettingsError: a key variable is not set, or the store is elsewhere and no server is named.
        BrokerError, EnvironmentFailureError: no server, or a supervisor that lacks a key and is busy.
    """
    url = own_redis(store, settings)
    if url is not None:
        connection.checked(url)
        yield url
        return
    names = key_names(models)
    check_keys(names, environ)
    _retire_if_it_lacks(store, names, environ)
    with attached(store, settings, environ) as url:
        yield url


def own_redis(store: Store, settings: Settings) -> str | None:
    """The server that the settings name, None for the embedded one.

    Raises:
        SettingsError: none is named, and the store is on other machines, where an embedded one is of no use.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    if not store.is_local:
        raise SettingsError(
            f"the store {store.uri} is shared by machines, and no Redis is named that they share.",
            where="NIGHTPOLL_REDIS_URL", hint="Set it to the Redis of all workers; an embedded one serves one machine.",
        )  # fmt: skip
    return None


def key_names(models: Mapping[str, Model]) -> set[str]:
    """Environment variables that hold the keys of these models."""
    deployments = [d for model in models.values() for d in model.endpoints]
    return {d.api_key_env for d in deployments if d.api_key_env is not None and d.auth in ("key", "bearer")}


def check_keys(names: set[str], environ: Mapping[str, str]) -> None:
    """Every key variable must be set.

    Raises:
        SettingsError: naming the variables.
    """
    missing = sorted(name for name in names if not environ.get(name))
    if missing:
        raise SettingsError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            where="environment", hint="Export the key or put it into .env; models.yaml names the variable.",
        )  # fmt: skip


@contextmanager
def sole_follower(store: Store, settings: Settings, run_id: str) -> Iterator[Callable[[], None]]:
    """One command at a time opens or resumes a run; yields what raises LockLostError where it is not ours any more.

    Raises:
        RunInUseError: another one does.
        SettingsError, BrokerError: the store is elsewhere, and no server is named or none answers.
    """
    url = own_redis(store, settings)
    if url is not None and not store.is_local:
        connection.checked(url)
    lock = sole_lock(store, f"{PRIVATE}/follow/{checked_run_id(run_id)}.lock", url)
    if not lock.try_exclusive():
        lock.close()
        raise RunInUseError(
            f"another command holds the run {run_id!r}.", hint=f"`nightpoll status {run_id} --watch` looks at it."
        )
    try:
        yield partial(check_held, lock)
    finally:
        lock.close()


def _retire_if_it_lacks(store: Store, names: set[str], environ: Mapping[str, str]) -> None:
    """A supervisor knows the environment it was started in: one without our keys of today makes room."""
    lacking = missing_in_supervisor(store, names, environ)
    state = supervisor_state(store)
    if not lacking or state is None:
        return
    busy = [r for r in list_run_ids(store) if load_state(store, r).is_active]
    if busy:
        raise EnvironmentFailureError(
            f"the workers of this store lack {', '.join(sorted(lacking))} as set here, and are busy with {busy[0]!r}.",
            hint="Wait for that run or pause it, then try again.",
        )
    os.kill(int(state["pid"]), signal.SIGTERM)
    pause = threading.Event()
    for _ in range(int(_RETIRE_WITHIN_S / 0.1)):
        if not Path(f"/proc/{state['pid']}").exists() or supervisor_state(store) is None:
            return
        pause.wait(0.1)
