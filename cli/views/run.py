"""What run, resume, status and demo show of a run."""

from cli.follow import View, exit_code_of, follow
from cli.views.batch import summary
from cli.views.console import err, out, print_json
from cli.views.cost import cost_words
from schemas import run_paths
from schemas.run import PlanTotals
from storage.runs import append_event
from storage.store import Store
from workers.batch.ledger import open_batches


def show_totals(totals: PlanTotals, run_id: str) -> None:
    """Tasks, requests, cost and time before anything is spent."""
    err.print(f"run {run_id}: {totals.n_tasks:,} tasks for {totals.n_respondents:,} respondents", markup=False)
    err.print(f"  {totals.n_requests:,} distinct requests, {totals.prompt_tokens:,} prompt tokens", markup=False)
    err.print(f"  cost {cost_words(totals)}", markup=False)
    err.print(f"  at least {totals.time_s:.0f} s at the stated quotas", markup=False)


def follow_to_the_end(store: Store, run_id: str, redis_url: str, *, as_json: bool) -> int:
    """Follow a run and show how it ended; Ctrl-C and SIGTERM pause it, so nothing is spent behind one's back."""
    view = _followed(store, run_id, redis_url)
    show(run_id, view, as_json=as_json)
    _say_how_to_go_on(run_id, view)
    if not as_json and store.exists(run_paths.predictions(run_id)) and view.state.phase == "finished":
        out.print(store.where(run_paths.predictions(run_id)), markup=False)
    return exit_code_of(view.state)


def follow_silently(store: Store, run_id: str, redis_url: str) -> int:
    """The same for a command with a result of its own: nothing of the run goes to stdout."""
    view = _followed(store, run_id, redis_url)
    err.print(f"{run_id} | {view.line()}", markup=False)
    _say_how_to_go_on(run_id, view)
    return exit_code_of(view.state)


def _followed(store: Store, run_id: str, redis_url: str) -> View:
    try:
        return follow(store, run_id, redis_url)
    except (KeyboardInterrupt, SystemExit):
        append_event(store, run_id, "paused", {"reason": "the command was interrupted"})
        if told := summary(open_batches(store, run_id)):
            err.print(f"{told}; left at the service, and harvested when over.", markup=False)
            err.print(f"`nightpoll batch cancel {run_id}` gives them up.", markup=False)
        err.print(f"paused; `nightpoll resume {run_id}` goes on.", markup=False)
        raise


def _say_how_to_go_on(run_id: str, view: View) -> None:
    if view.state.phase == "stopped":
        err.print(f"stopped: {view.state.reason}", markup=False)
        err.print(f"Mend it, then `nightpoll resume {run_id}` goes on.", markup=False)
        err.print("A change of study.yaml or models.yaml needs a new run, which reuses the answers.", markup=False)


def show(run_id: str, view: View, *, as_json: bool) -> None:
    """One look at a run, as a line or as JSON."""
    if as_json:
        print_json(view.as_json(run_id))
    else:
        out.print(f"{run_id} | {view.line()}", markup=False)
        if view.state.reason:
            out.print(f"  {view.state.reason}", markup=False)
        for notice in view.notices:
            out.print(f"  {notice}", markup=False)
        if view.state.evaluation_note:
            out.print(f"  evaluation: {view.state.evaluation_note}", markup=False)
