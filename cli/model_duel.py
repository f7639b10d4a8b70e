"""`models compare A B`: one run in which two models are asked the same about the same held-out respondents."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import typer

from cli.context import load_environ, load_settings, load_store
from cli.opening import Planned, checked_study, discard, open_planned, plan_into_staging, registered_versions
from cli.session import check_keys, key_names, sole_follower, workers_for
from cli.views.comparison import compared, show_comparison
from cli.views.console import err, print_json
from cli.views.hosting import show_hosting
from cli.views.run import follow_silently, show_totals
from producer.check import Checked
from producer.twin_arms import with_twin_arms
from schemas import run_paths
from schemas.errors import ExitCode, UserInputError
from storage.store import Store

_HAS_ROWS = (ExitCode.DONE, ExitCode.TASKS_FAILED)


@dataclass(frozen=True)
class Duel:
    """What is asked of whom.

    Attributes:
        like: arm of the study whose prompts both are asked; None: the first that asks a model.
        pilot: respondents of the test split; None: all of it.
    """

    first: str
    second: str
    study: Path
    like: str | None = None
    pilot: int | None = None
    run_id: str | None = None
    fresh: bool = False


def compare_models(duel: Duel, *, yes: bool, as_json: bool) -> int:
    """Ask both models, then show the comparison; the run's exit code if it did not come to its end.

    Raises:
        StudyError, UserInputError: with what is wrong, before anything is spent.
    """
    if not yes and not sys.stdin.isatty():
        raise UserInputError("nobody is there to say yes.", where="compare", hint="Add --yes to spend without asking.")
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    revise = partial(with_twin_arms, first=duel.first, second=duel.second, like=duel.like)
    offered = registered_versions(settings)
    checked = checked_study(duel.study, settings, environ, registered=offered, revise=revise)
    if settings.redis_url is None:
        check_keys(key_names(checked.models), environ)
    wanted = None if duel.run_id is None else run_paths.checked_run_id(duel.run_id)
    planned = plan_into_staging(store, checked, run_id=wanted, pilot=duel.pilot)
    run_id = planned.manifest.run_id
    with sole_follower(store, settings, run_id) as still_ours:
        show_totals(planned.manifest.totals, run_id)
        show_hosting(store, checked.models, datetime.now(UTC))
        if not yes and not _agreed(store, planned):
            return ExitCode.DONE
        with workers_for(store, settings, environ, checked.models) as redis_url:
            open_planned(store, planned, fresh=duel.fresh, detached=False, guard=still_ours)
            code = follow_silently(store, run_id, redis_url)
    return _told(store, run_id, checked, code, as_json=as_json)


def _told(store: Store, run_id: str, checked: Checked, code: int, *, as_json: bool) -> int:
    first, second = checked.study.arms
    if code not in _HAS_ROWS:
        again = f"nightpoll models compare {run_id} --arm {first} --against {second}"
        err.print(f"After `nightpoll resume {run_id}`: `{again}`.", markup=False)
        return code
    found: dict[str, Any] = compared(store, run_id, first, second)
    print_json(found) if as_json else show_comparison(found)
    return code


def _agreed(store: Store, planned: Planned) -> bool:
    try:
        agreed = typer.confirm("Start?", err=True)
    except typer.Abort:
        agreed = False
    if not agreed:
        discard(store, planned)
        err.print("Nothing was started.")
    return agreed
