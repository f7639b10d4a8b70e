"""watch, pause, resume, cancel: what is asked of a job that was submitted."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from cli.tuning.context import with_client
from cli.tuning.entries import keep_entry, with_entry_of_today
from cli.views.console import err, out
from finetuning.jobs.curve_warnings import warnings_of
from finetuning.jobs.curves import sparkline
from finetuning.jobs.watching import Looked, look
from providers.tuning_client import TuningClient
from schemas.errors import ExitCode, NightpollError, RejectedRequestError, TransientModelError, UserInputError
from schemas.tuning import ENDED, JobState, TuningLedger
from storage.store import Store

MOST_BLIND = 30
"""So many looks in a row may find nobody before a command that watches gives up."""
_ENDS: dict[JobState, ExitCode] = {"failed": ExitCode.SERVICE_REFUSED, "cancelled": ExitCode.CANCELLED}
_REACHED: dict[str, tuple[JobState, ...]] = {
    "pause": ("pausing", "paused"), "resume": ("resuming", "running"), "cancel": ("cancelled",),
}  # fmt: skip
_ALREADY: dict[JobState, str] = {
    "succeeded": "has succeeded already", "failed": "has failed already", "cancelled": "was cancelled before",
}  # fmt: skip
_MOST_CURVES = 12


def watch(store: Store, ledger: TuningLedger, environ: Mapping[str, str], *, once: bool, every_s: float) -> Looked:
    """Look until the job is over, telling each event once; a service that is away for a while is waited for."""
    ledger = with_entry_of_today(ledger)

    async def work(client: TuningClient) -> Looked:
        told: set[str] = set()
        n_blind, has_seen = 0, False
        while True:
            try:
                seen = await look(store, client, ledger)
            except TransientModelError as error:
                n_blind += 1
                if once or not has_seen or n_blind >= MOST_BLIND:
                    raise
                if n_blind == 1:
                    err.print(f"{error.what} Looking again.", style="yellow", markup=False)
                await asyncio.sleep(every_s)
                continue
            if not has_seen:
                await asyncio.to_thread(keep_entry, store, ledger)
            n_blind, has_seen = 0, True
            _tell(seen, told)
            if once or seen.is_over:
                return seen
            await asyncio.sleep(every_s)

    return with_client(ledger.entry, environ, work)


def act(store: Store, ledger: TuningLedger, action: str, environ: Mapping[str, str]) -> TuningLedger:
    """Pause, resume or cancel; a job that is where it should go stays there.

    Raises:
        UserInputError: it was never submitted, or is over. RejectedRequestError: the service does not do it now.
    """
    if ledger.job_id is None:
        hint = "`nightpoll finetune submit` with the same files goes on with it."
        raise UserInputError(f"the job {ledger.key} has not been submitted.", hint=hint)
    job_id, ledger = ledger.job_id, with_entry_of_today(ledger)

    async def work(client: TuningClient) -> TuningLedger:
        act_on = {"pause": client.pause_job, "resume": client.resume_job, "cancel": client.cancel_job}[action]
        try:
            await act_on(job_id)
        except RejectedRequestError as error:
            seen = (await look(store, client, ledger)).ledger
            if seen.state in _REACHED[action]:
                return seen
            raise _not_now(seen, action, error) from error
        return (await look(store, client, ledger)).ledger

    return with_client(ledger.entry, environ, work)


def _not_now(seen: TuningLedger, action: str, error: RejectedRequestError) -> NightpollError:
    if seen.state not in ENDED:
        hint = f"`nightpoll finetune watch {seen.key}` tells when that changes."
        return RejectedRequestError(f"{error.what} The job is {seen.state}.", code=error.code, hint=hint)
    hint = f"`nightpoll finetune watch {seen.key} --once` tells all of it."
    if seen.tuned_model is not None:
        hint = f"Its model is {seen.tuned_model}; `nightpoll finetune deploy {seen.key}` puts it in service."
    return UserInputError(f"the job {seen.key} {_ALREADY[seen.state]}: nothing to {action}.", hint=hint)


def show_job(seen: Looked) -> ExitCode:
    """State, curves and warnings; the exit code of a command that waited for it."""
    ledger = seen.ledger
    out.print(f"{ledger.key}  {ledger.job_id}  {ledger.state}", markup=False)
    shown = dict(list(seen.curves.points.items())[:_MOST_CURVES])
    width = max(map(len, shown), default=0)
    for name, points in shown.items():
        values = [value for _, value in points]
        out.print(f"  {name:{width}} {sparkline(values)}  {values[0]:.4f} -> {values[-1]:.4f}", markup=False)
    for sentence in warnings_of(seen.curves):
        out.print(sentence, style="yellow", markup=False)
    if ledger.error:
        out.print(f"error: {ledger.error}", style="red", markup=False)
    if ledger.checkpoints:
        steps = ", ".join(f"{step:,}" for step in sorted(ledger.checkpoints))
        out.print(f"checkpoints at steps {steps}: `finetune deploy {ledger.key} --checkpoint STEP`", markup=False)
    if ledger.tuned_model:
        out.print(f"model: {ledger.tuned_model}", markup=False)
        out.print(f"\nNext: nightpoll finetune deploy {ledger.key} --register NAME", markup=False)
    return exit_code(ledger)


def exit_code(ledger: TuningLedger) -> ExitCode:
    """Of a command that tells how a job stands."""
    return _ENDS.get(ledger.state, ExitCode.DONE)


def _tell(seen: Looked, told: set[str]) -> None:
    for event in seen.events:
        if event.id not in told:
            told.add(event.id)
            at = datetime.fromtimestamp(event.created_at, UTC)
            err.print(f"{at:%H:%M:%S} {event.message}", markup=False)
