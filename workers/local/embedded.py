"""Commands and their supervisor: attach to the one of this store, or start it.

A command is a client as long as it holds its own lock file in `.nightpoll/clients/`; a killed one lets go by dying.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from redis.exceptions import RedisError

from schemas.errors import BrokerError
from schemas.run_paths import PRIVATE
from schemas.settings import Settings
from storage.store import Store
from workers.connection import plain
from workers.local.file_locks import FileLock, is_held
from workers.local.server import socket_url

READY_WITHIN_S = 40.0
"""Covers a server that waits for its predecessor's end."""

SUPERVISOR_JSON = f"{PRIVATE}/supervisor.json"


def supervisor_lock(store: Store) -> Path:
    """Held by the one supervisor."""
    return store.path(f"{PRIVATE}/supervisor.lock")


def clients_dir(store: Store) -> Path:
    """One held lock file per client."""
    return store.path(f"{PRIVATE}/clients")


def supervisor_log(store: Store) -> Path:
    """What supervisor and local workers say."""
    return store.path(f"{PRIVATE}/workers.log")


@contextmanager
def attached(store: Store, settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Be a client: yields the URL of the embedded server, with supervisor and workers running.

    Raises:
        BrokerError: they do not come up; the log is named.
    """
    name = uuid4().hex
    client = FileLock(clients_dir(store) / f".{name}")
    client.try_exclusive()
    known_as = client.path.rename(client.path.with_name(name))  # only now: an unlocked file would count as dead
    try:
        _ensure_supervisor(store, settings, environ)
        yield socket_url(store)
    finally:
        known_as.unlink(missing_ok=True)
        client.close()


def supervisor_state(store: Store) -> dict[str, Any] | None:
    """What the running supervisor wrote of itself once it was ready; None if none is ready."""
    if not is_held(supervisor_lock(store)):
        return None
    try:
        state: dict[str, Any] = json.loads(store.path(SUPERVISOR_JSON).read_bytes())
    except (OSError, ValueError):
        return None
    return state


def missing_in_supervisor(store: Store, names: set[str], environ: Mapping[str, str]) -> set[str]:
    """Environment variables that a run needs and the running supervisor has not, or has with another value."""
    state = supervisor_state(store)
    if state is None:
        return set()
    known = state["environment"]
    if "salt" not in state:  # written by an earlier version: names only
        return names - set(known)
    ours = fingerprints({name: environ.get(name, "") for name in names}, bytes.fromhex(state["salt"]))
    return {name for name in names if known.get(name) != ours[name]}


def fingerprints(environ: Mapping[str, str], salt: bytes) -> dict[str, str]:
    """Name -> two bytes that tell whether a value has changed.

    Too few to guess a password by: one in 65,536 of all guesses fits.
    """
    return {
        name: hashlib.blake2b(value.encode(errors="surrogateescape"), key=salt, digest_size=2).hexdigest()
        for name, value in environ.items()
    }


def _ensure_supervisor(store: Store, settings: Settings, environ: Mapping[str, str]) -> None:
    pause, child = threading.Event(), None
    for _ in range(int(READY_WITHIN_S / 0.1)):
        if supervisor_state(store) is not None and _answers(store):
            return
        if not is_held(supervisor_lock(store)) and (child is None or child.poll() is not None):
            child = _start_supervisor(store, settings, environ)
        pause.wait(0.1)
    raise BrokerError(
        "the embedded server and its workers did not start.", where=str(supervisor_log(store)), hint="The log says why."
    )


def _answers(store: Store) -> bool:
    try:
        return bool(plain(socket_url(store)).ping())
    except (RedisError, OSError):
        return False


def _start_supervisor(store: Store, settings: Settings, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    env = {k: v for k, v in environ.items() if not k.startswith("NIGHTPOLL_")}
    env |= {f"NIGHTPOLL_{name.upper()}": value for name, value in _passed_on(settings).items()}
    env["NIGHTPOLL_STORE"] = str(store.root)
    log_path = supervisor_log(store)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "workers.local.supervisor"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=env, start_new_session=True, cwd=os.sep,
        )  # fmt: skip


def _passed_on(settings: Settings) -> dict[str, str]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings.model_dump(exclude={"store", "redis_url", "models"}).items()
        if value is not None
    }
