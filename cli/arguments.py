"""Arguments and options that several commands share, and the examples at the end of their help."""

from pathlib import Path
from typing import Annotated

import typer

StudyArg = Annotated[Path, typer.Argument(help="Study file, or the folder that holds study.yaml.")]
RunArg = Annotated[str, typer.Argument(help="Run id, as `nightpoll list` shows it.")]
MOST = 1e9
"""Bound of amounts on a command line: `inf` is no figure that a sum could be held against."""

JsonOpt = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def examples(*lines: str) -> str:
    """Epilog of a command: one example a line, in the terminal as in docs/commands.md."""
    return "\n\n".join(["Examples:", *lines])


def study_file(study: Path) -> Path:
    """A study given as a file or as its folder."""
    return study / "study.yaml" if study.is_dir() else study
