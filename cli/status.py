"""What `status` does. Imports little: people ask often, and should not wait."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

from redis.exceptions import RedisError

from cli.context import load_settings, load_store
from cli.follow import Watcher, notices
from cli.presence import tell_if_nobody_works
from cli.views.console import out
from cli.views.hosting import hosting_lines
from cli.views.run import show
from cli.watch_all import open_runs, watch_all
from schemas import wire
from schemas.errors import ExitCode, NightpollError, UserInputError
from storage.runs import list_run_ids, load_manifest
from storage.store import Store
from workers import connection
from workers.local.server import socket_url

WATCH_EVERY_S = 1.0


def status(run: str | None, *, watch: bool, as_json: bool) -> int:
    """How far a run is: settled, rate, quota used, cost, failures by reason, time left."""
    settings = load_settings()
    store = load_store(settings)
    if run is None and watch and len(open_runs(store)) > 1:
        return watch_all(store, every_s=WATCH_EVERY_S, as_json=as_json)
    name = _newest(store) if run is None else run
    watcher, wait = Watcher(store, name), threading.Event()
    view = watcher.look()
    while watch and view.state.is_active:
        show(name, view, as_json=as_json)
        wait.wait(WATCH_EVERY_S)
        view = watcher.look()
    if not watch and view.state.is_active:
        wait.wait(WATCH_EVERY_S)  # a rate needs two looks
        view = watcher.look()
    url = socket_url(store) if settings.redis_url is None else settings.redis_url.get_secret_value()
    if view.state.is_active:
        hosting = hosting_lines(store, load_manifest(store, name).models, datetime.now(UTC))
        view = replace(view, notices=(*notices(url, name), *hosting))
        tell_if_nobody_works(settings, store)
    show(name, view, as_json=as_json)
    if view.state.is_to_evaluate and not as_json:
        out.print(f"  evaluation: {evaluation_doing(url, name)}", markup=False)
    return ExitCode.DONE


def evaluation_doing(redis_url: str, run_id: str) -> str:
    """What the evaluation of a run does at this moment; "waits for a worker" if nobody says."""
    try:
        said = connection.plain(redis_url).get(wire.evaluation_progress(run_id))
    except (RedisError, OSError, NightpollError):
        said = None
    return said.decode() if isinstance(said, bytes) else "waits for a worker"


def _newest(store: Store) -> str:
    runs = list_run_ids(store)
    if not runs:
        raise UserInputError("there is no run in this store yet.", where=store.uri)
    return max(runs, key=lambda r: load_manifest(store, r).created_at)
