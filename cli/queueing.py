"""What the queue commands do; `queue_commands` declares them for the command line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from cli.arguments import study_file
from cli.context import load_environ, load_settings, load_store
from cli.deadlines import checked_zone, told_by
from cli.opening import checked_study
from cli.presence import tell_if_nobody_works
from cli.session import workers_for
from cli.views.console import err, out, print_json
from cli.views.queue import print_entries, print_summary
from producer.check import Checked
from schemas.errors import ExitCode, UserInputError
from schemas.models import Model
from schemas.overnight import WINDOW_ENDED, OvernightQueue, QueueEntry, Then
from schemas.run_paths import run_json
from schemas.settings import Settings
from schemas.window import Window, zone
from storage.runs import append_event, load_manifest, load_state
from storage.store import Store
from workers.local.embedded import supervisor_state
from workers.nights.clock import NightClock
from workers.nights.entries import change_queue, read_queue
from workers.nights.morning import read_summaries, summary_path
from workers.nights.webhook import checked_webhook
from workers.opening import new_run_id

_THEN: tuple[Then, ...] = ("evaluate", "report")


@dataclass(frozen=True)
class Wish:
    """What `queue add` was told besides the study."""

    window: str | None
    timezone: str | None
    then: str
    deadline: str | None
    pilot: int | None
    nightly: bool
    fresh: bool
    first: bool


def add_entry(study: Path, wish: Wish, *, as_json: bool) -> int:
    """Check the study, write the entry, see that somebody is there at night."""
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    if settings.webhook_url is not None:
        checked_webhook(settings.webhook_url.get_secret_value())
    now = NightClock.of(settings).now()
    window, then = _window(wish), _then(wish.then)
    deadline = _deadline(wish, window, now)
    checked = checked_study(study, settings, environ)
    with workers_for(store, settings, environ, checked.models):
        draft = _draft(study, wish, settings, checked, now)
        draft = draft.model_copy(update={"window": window, "then": then, "deadline": deadline})
        added: list[QueueEntry] = []

        def with_entry(queue: OvernightQueue) -> OvernightQueue:
            number = _next_number(queue)
            entry = draft.model_copy(update={"id": f"q{number}"})
            added[:] = [entry]
            entries = [entry, *queue.entries] if wish.first else [*queue.entries, entry]
            return queue.model_copy(update={"entries": entries, "n_added": number})

        change_queue(store, with_entry)
    opens = added[0].opens_next(now)
    tell_if_nobody_works(settings, store)
    if as_json:
        print_json({"entry": added[0].id, "run_id": draft.run_id, "opens_at": opens})
    else:
        when = "now" if opens is None or opens <= now else f"{opens.astimezone(zone(draft.timezone)):%Y-%m-%d %H:%M %Z}"
        out.print(f"{added[0].id}: {draft.name} may start {when}; `nightpoll queue list` shows its turn.", markup=False)
    return ExitCode.DONE


def show_queue(*, as_json: bool) -> int:
    """All entries in order."""
    settings = load_settings()
    store = load_store(settings)
    queue, now = read_queue(store), NightClock.of(settings).now()
    if as_json:
        print_json({"now": now, "entries": [e.model_dump(mode="json") for e in queue.entries]})
        return ExitCode.DONE
    if not queue.entries:
        out.print("The queue is empty; `nightpoll queue add STUDY --window 22:00-06:30` fills it.", markup=False)
        return ExitCode.DONE
    print_entries(queue, now)
    if settings.redis_url is None and any(e.is_open for e in queue.entries) and supervisor_state(store) is None:
        err.print("Nobody works on this store: `nightpoll queue resume` wakes workers.", markup=False)
    elif any(e.is_open for e in queue.entries):
        tell_if_nobody_works(settings, store)
    return ExitCode.DONE


def move_entry(entry_id: str, place: int) -> int:
    """Another place for an entry."""
    store = load_store(load_settings())

    def moved(queue: OvernightQueue) -> OvernightQueue:
        entry = _entry(queue, entry_id)
        others = [e for e in queue.entries if e.id != entry_id]
        others.insert(place - 1, entry)
        return queue.model_copy(update={"entries": others})

    queue = change_queue(store, moved)
    out.print(" ".join(entry.id for entry in queue.entries), markup=False)
    return ExitCode.DONE


def hold_entry(entry_id: str) -> int:
    """Pause an entry."""
    store = load_store(load_settings())
    change_queue(store, lambda queue: queue.replaced(_entry(queue, entry_id).id, held=True))
    out.print(f"{entry_id}: paused; `nightpoll queue resume {entry_id}` goes on.", markup=False)
    return ExitCode.DONE


def resume_entry(entry_id: str | None) -> int:
    """Let an entry go on, and wake workers."""
    settings, environ = load_settings(), load_environ()
    store = load_store(settings)
    if entry_id is not None:
        entry = _entry(read_queue(store), entry_id)
        change_queue(store, lambda queue: queue.replaced(_entry(queue, entry_id).id, **_reopened(store, entry)))
    waiting = [e for e in read_queue(store).entries if e.is_open]
    models: dict[str, Model] = {}
    for entry in waiting:
        models |= _models(store, entry, settings, environ)
    if waiting:
        with workers_for(store, settings, environ, models):
            pass
    n = len(waiting)
    told = f"{n} {'entry is' if n == 1 else 'entries are'} open." if n else "No entry is open: nobody was woken."
    out.print(told, markup=False)
    if waiting:
        tell_if_nobody_works(settings, store)
    return ExitCode.DONE


def remove_entry(entry_id: str) -> int:
    """Take an entry out."""
    store = load_store(load_settings())

    def without(queue: OvernightQueue) -> OvernightQueue:
        entry = _entry(queue, entry_id)
        if entry.state in ("running", "finishing"):
            raise UserInputError(
                f"{entry_id} works right now.", hint=f"`nightpoll queue pause {entry_id}` first, then remove it."
            )
        return queue.model_copy(update={"entries": [e for e in queue.entries if e.id != entry_id]})

    change_queue(store, without)
    out.print(f"{entry_id}: removed.", markup=False)
    return ExitCode.DONE


def show_summary(night: str | None, *, as_json: bool) -> int:
    """A morning summary; CHECK_SAID_NO if a drift is over its threshold."""
    store = load_store(load_settings())
    nights = read_summaries(store)
    if not nights or (night is not None and night not in nights):
        hint = f"There are: {', '.join(nights[-7:])}." if nights else "One is written when a night's work is over."
        raise UserInputError("there is no such summary.", where="queue summary", hint=hint)
    document = json.loads(store.read_bytes(summary_path(nights[-1] if night is None else night)))
    print_json(document) if as_json else print_summary(document)
    over = any(e["drift"] is not None and e["drift"]["over"] for e in document["entries"])
    return ExitCode.CHECK_SAID_NO if over else ExitCode.DONE


def _draft(study: Path, wish: Wish, settings: Settings, checked: Checked, now: datetime) -> QueueEntry:
    models = None if settings.models is None else str(settings.models.absolute())
    return QueueEntry(
        id="", study=str(study_file(study).absolute()), name=checked.study.study, models=models,
        run_id=new_run_id(checked.study.study, datetime.now(UTC)), added_at=now,
        pilot=wish.pilot, fresh=wish.fresh, nightly=wish.nightly,
    )  # fmt: skip


def _window(wish: Wish) -> Window | None:
    timezone = checked_zone(wish.timezone)
    if wish.window is None and wish.deadline is None and wish.timezone is not None:
        raise UserInputError(
            "nothing is said that is meant in this zone.", where="--timezone", hint="Add --window or --deadline."
        )
    if wish.window is None:
        return None
    try:
        return Window.parsed(wish.window, timezone)
    except ValidationError as error:
        raise UserInputError(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}.", where="--window") from error
    except ValueError as error:
        raise UserInputError(f"{wish.window!r} is no window.", where="--window", hint=f"{error}.") from error


def _deadline(wish: Wish, window: Window | None, now: datetime) -> str | None:
    """A time of day where the entry's nights bring it again, else one moment."""
    timezone = checked_zone(wish.timezone)
    told = told_by(wish.deadline, timezone, now)
    if told is None:
        return None
    if told.daily is not None and window is not None and told.daily[1] == window.timezone:
        return f"{told.daily[0]:%H:%M}"
    if wish.nightly:
        raise UserInputError(
            f"{wish.deadline!r} comes once, and the study is to run every night.", where="--deadline",
            hint="Write a time of day as 06:30, with --window; it is meant in the window's zone.",
        )  # fmt: skip
    return told.moment.isoformat()


def _then(text: str) -> list[Then]:
    asked = [] if text.strip() == "none" else [part.strip() for part in text.split(",")]
    unknown = sorted(set(asked) - set(_THEN))
    if unknown:
        raise UserInputError(f"{', '.join(unknown)!r} cannot follow.", where="--then", hint="evaluate, report or none.")
    return [step for step in _THEN if step in asked]


def _next_number(queue: OvernightQueue) -> int:
    """Of the next entry; that of a removed one is not given again."""
    return max([queue.n_added, *(int(entry.id[1:]) for entry in queue.entries)]) + 1


def _entry(queue: OvernightQueue, entry_id: str) -> QueueEntry:
    found = queue.entry(entry_id)
    if found is None:
        known = ", ".join(entry.id for entry in queue.entries)
        raise UserInputError(
            f"there is no entry {entry_id!r}.", where="queue", hint=f"There are: {known}." if known else "It is empty."
        )
    return found


def _reopened(store: Store, entry: QueueEntry) -> dict[str, object]:
    """Fields of an entry that may go on: a stopped run rests until its turn, a failed start is tried anew."""
    fields: dict[str, object] = {"held": False}
    if entry.is_open or entry.state == "done":
        return fields
    fields |= {"reason": "", "exit_code": 0, "attempts": 0, "state": "waiting"}
    if store.exists(run_json(entry.run_id)) and (state := load_state(store, entry.run_id)).phase == "stopped":
        append_event(store, entry.run_id, "paused", {"reason": WINDOW_ENDED, "after": state.reason})
        fields["state"] = "drained"
    return fields


def _models(store: Store, entry: QueueEntry, settings: Settings, environ: Mapping[str, str]) -> dict[str, Model]:
    if store.exists(run_json(entry.run_id)):
        return load_manifest(store, entry.run_id).models
    return checked_study(Path(entry.study), settings, environ).models
