"""What may come out of the queue: the tasks of `schemas.wire` with arguments of their kinds, and nothing else.

Celery looks at a message's arguments when a task begins; an empty body ends the whole worker then, and the message
goes to the next one. So each message is read before anything is made of it; what does not fit is logged and dropped.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.exceptions import InvalidTaskError
from celery.worker import strategy as celery_strategy

from schemas import run_paths, wire
from schemas.errors import UserInputError

STRATEGY = "workers.messages:checked_strategy"
LARGEST = 2**31 - 1

Handler = Callable[..., Any]


def allow_only_ours(app: Celery) -> None:
    """Take away the tasks that Celery brings along (map, chord, clean-up ...)."""
    app.finalize()
    for name in list(app.tasks):
        if name not in wire.TASKS:
            app.tasks.unregister(name)


def checked_strategy(task: Any, app: Celery, consumer: Any, **options: Any) -> Handler:  # noqa: ANN401 - Celery's own
    """Celery's way to take a message of a task, behind a look at it; named by the tasks as their `Strategy`."""
    take: Handler = celery_strategy.default(task, app, consumer, **options)

    def handle(message: Any, body: object, *more: Any, **named: Any) -> Any:  # noqa: ANN401
        check(task.name, message)
        return take(message, body, *more, **named)

    return handle


def check(name: str, message: Any) -> None:  # noqa: ANN401 - kombu's own
    """Let a message pass.

    Raises:
        InvalidTaskError: it is no call of this task as we publish them; the consumer logs and drops it.
    """
    try:
        args, kwargs, embed = message.payload
    except Exception as e:  # ContentDisallowed, a broken body, another shape
        raise InvalidTaskError(f"the body cannot be read ({type(e).__name__})") from e
    if kwargs or any((embed or {}).values()) or message.headers.get("eta") is not None:
        raise InvalidTaskError("keywords, callbacks and appointments are not taken")
    if not _fits(args, wire.TASKS[name]):
        raise InvalidTaskError("the arguments are not of the task's kinds")
    try:
        run_paths.checked_run_id(args[0])
    except UserInputError as e:
        raise InvalidTaskError("the run id is none") from e


def _fits(args: object, kinds: tuple[type, ...]) -> bool:
    if not isinstance(args, list) or len(args) != len(kinds):
        return False
    right = all(type(value) is kind for value, kind in zip(args, kinds, strict=True))
    return right and all(0 <= value <= LARGEST for value in args if isinstance(value, int))
