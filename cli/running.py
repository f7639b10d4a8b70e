"""What run, resume, pause, cancel and status do; `run_commands` declares them for the command line."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import typer

from cli.cancelling import wait_for_batches
from cli.context import load_environ, load_settings, load_store
from cli.deadlines import given_deadline
from cli.evaluation_job import ask_after_run, checked_then
from cli.follow import Watcher
from cli.opening import Planned, checked_study, discard, open_planned, plan_into_staging
from cli.presence import tell_if_nobody_works
from cli.session import check_keys, key_names, own_redis, sole_follower, workers_for
from cli.views.console import err, out, print_json
from cli.views.hosting import show_hosting
from cli.views.run import follow_to_the_end, show_totals
from cli.views.transport import show_choices
from schemas import run_paths, wire
from schemas.errors import ExitCode, UserInputError
from schemas.settings import Settings
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store
from workers import connection
from workers.batch.choice import choose_transports
from workers.batch.ledger import open_batches
from workers.predictions.compaction import compact
from workers.versions.replacing import follow_registry

WATCH_EVERY_S = 1.0
QUIET_WITHIN_S = 30.0


def run(
    study: Path,
    *,
    pilot: int | None,
    run_id: str | None,
    detach: bool,
    yes: bool,
    fresh: bool,
    priority: int,
    then: str | None,
    deadline: str | None,
    timezone: str | None,
    as_json: bool,
) -> int:
    """Plan a study, ask, and run it until every task has its row."""
    steps, moment = checked_then(then), given_deadline(deadline, timezone, datetime.now(UTC))
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    own_redis(store, settings)
    checked = checked_study(study, settings, environ)
    if not yes and not sys.stdin.isatty():
        raise UserInputError("nobody is there to say yes.", where="run", hint="Add --yes to spend without asking.")
    if settings.redis_url is None:
        check_keys(key_names(checked.models), environ)
    if run_id is None:
        planned = plan_into_staging(store, checked, run_id=None, pilot=pilot)
        name = planned.manifest.run_id
    else:
        name = run_paths.checked_run_id(run_id)
    with sole_follower(store, settings, name) as still_ours:
        if run_id is not None:
            planned = plan_into_staging(store, checked, run_id=name, pilot=pilot)
        show_totals(planned.manifest.totals, name)
        show_hosting(store, checked.models, datetime.now(UTC))
        show_choices(store, planned.manifest, moment, datetime.now(UTC))
        if not yes and not _wanted(store, planned):
            return ExitCode.DONE
        with workers_for(store, settings, environ, checked.models) as redis_url:
            open_planned(
                store, planned, fresh=fresh, detached=detach, priority=priority, deadline=moment, guard=still_ours
            )
            ask_after_run(store, name, steps)
            if detach:
                return _detached(store, name, settings, as_json=as_json)
            return follow_to_the_end(store, name, redis_url, as_json=as_json)


def resume(run: str, *, retry: str | None, budget: float | None, detach: bool, as_json: bool) -> int:
    """Go on with a run: what has not landed, or with --retry what ended badly."""
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    manifest = load_manifest(store, run)
    outcomes = _outcomes(retry)
    with (
        sole_follower(store, settings, run) as still_ours,
        workers_for(store, settings, environ, manifest.models) as redis_url,
    ):
        still_ours()
        state = load_state(store, run)
        if state.phase == "cancelled":
            raise UserInputError(f"the run {run!r} was cancelled.", hint="Start a new run; it reuses the answers.")
        redis = connection.plain(redis_url)
        redis.delete(wire.run_trouble(run))  # of before: a full disk may have kept it from being taken back
        if not state.is_active:
            redis.delete(wire.run_budget(run))  # folded again from the store
        if budget is not None:
            append_event(store, run, "budget", {"run_usd": budget})
        if outcomes:
            append_event(store, run, "generation", {"number": state.generation + 1, "outcomes": outcomes})
        elif state.phase == "planned":
            choose_transports(store, run)
            append_event(store, run, "opened")
        elif state.phase != "finished":
            follow_registry(store, run)
            append_event(store, run, "resumed")
        if detach:
            return _detached(store, run, settings, as_json=as_json)
        return follow_to_the_end(store, run, redis_url, as_json=as_json)


def pause(run: str, *, as_json: bool) -> int:
    """Let no further call go out; open ones finish. `resume` goes on."""
    store = load_store(load_settings())
    load_manifest(store, run)
    if load_state(store, run).phase == "running":
        append_event(store, run, "paused", {"reason": "paused by a command"})
    return _report_state(store, run, as_json=as_json)


def cancel(run: str, *, as_json: bool) -> int:
    """End a run for good; what was answered stays, open tasks become `cancelled`."""
    store = load_store(load_settings())
    load_manifest(store, run)
    if load_state(store, run).phase != "finished":
        append_event(store, run, "cancelled", {"reason": "cancelled by a command"})
        _wait_until_quiet(store, run)
        compact(store, run)
        if open_batches(store, run):
            wait_for_batches(store, run)
            compact(store, run)
    return _report_state(store, run, as_json=as_json)


def _wanted(store: Store, planned: Planned) -> bool:
    try:
        wanted = typer.confirm("Start?", err=True)
    except typer.Abort:
        wanted = False
    if not wanted:
        discard(store, planned)
        err.print("Nothing was started.")
    return wanted


def _detached(store: Store, run_id: str, settings: Settings, *, as_json: bool) -> int:
    tell_if_nobody_works(settings, store)
    if as_json:
        print_json({"run_id": run_id, "state": "running"})
    else:
        out.print(f"{run_id} goes on; `nightpoll status {run_id} --watch` looks at it.", markup=False)
    return ExitCode.DONE


def _report_state(store: Store, run_id: str, *, as_json: bool) -> int:
    state = load_state(store, run_id)
    if as_json:
        print_json({"run_id": run_id, "state": state.phase, "reason": state.reason})
    else:
        out.print(f"{run_id}: {state.phase}", markup=False)
    return ExitCode.DONE


def _wait_until_quiet(store: Store, run_id: str) -> None:
    """Open calls finish and are journalled; two equal looks a second apart count as quiet."""
    watcher, wait, before = Watcher(store, run_id), threading.Event(), -1
    for _ in range(int(QUIET_WITHIN_S)):
        settled = watcher.look().progress.n_ended
        if settled == before:
            return
        before = settled
        wait.wait(1.0)


def _outcomes(retry: str | None) -> list[str]:
    if retry is None:
        return []
    known = {"failed", "truncated", "refused", "filtered"}
    outcomes = [o.strip() for o in retry.split(",")]
    unknown = sorted(set(outcomes) - known)
    if unknown:
        raise UserInputError(
            f"{', '.join(unknown)} cannot be retried.", where="--retry", hint=f"Choose from {', '.join(sorted(known))}."
        )
    return outcomes
