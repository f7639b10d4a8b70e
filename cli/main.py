"""The `nightpoll` command: one module per group of commands; every error ends in a screen and a named exit code."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer
import typer.exceptions
from redis.exceptions import RedisError

from cli.commands import batch as batch_commands
from cli.commands import evaluate as evaluate_commands
from cli.commands import finetune as finetune_commands
from cli.commands import models as models_commands
from cli.commands import process as process_commands
from cli.commands import queue as queue_commands
from cli.commands import run as run_commands
from cli.commands import status as status_commands
from cli.commands import study as study_commands
from cli.views.console import err, print_error, print_problem
from cli.views.usage import usage_problem
from schemas.errors import ExitCode, NightpollError
from workers import connection

app = typer.Typer(
    name="nightpoll",
    help="Run a survey on language models and see how close the answers are to the human ones.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for group in (
    run_commands,
    status_commands,
    study_commands,
    evaluate_commands,
    finetune_commands,
    models_commands,
    queue_commands,
    process_commands,
    batch_commands,
):
    group.register(app)


def main() -> NoReturn:
    """Entry point."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    sys.exit(int(run(sys.argv[1:])))


def run(arguments: list[str]) -> int:
    """Run one command line; returns its exit code and prints every error."""
    try:
        result = app(arguments, standalone_mode=False)
    except NightpollError as error:
        print_error(error)
        return error.exit_code
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.exceptions.TyperException as error:
        problem = usage_problem(error)
        if problem is not None:
            print_problem(problem)
        return ExitCode.WRONG_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.SIGINT
    except Exception as error:
        if os.environ.get("NIGHTPOLL_DEBUG"):
            raise
        return _unforeseen(error)
    return result if isinstance(result, int) else ExitCode.DONE


def _unforeseen(error: Exception) -> int:
    if isinstance(error, RedisError):
        print_error(connection.told(error))
        return ExitCode.ENVIRONMENT
    err.print(f"unexpected error: {type(error).__name__}: {error}", markup=False)
    err.print("This should not happen. NIGHTPOLL_DEBUG=1 shows where it came from.", markup=False)
    return ExitCode.UNEXPECTED


def _on_sigterm(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(int(ExitCode.SIGTERM))


if __name__ == "__main__":
    main()
