"""Repairing a training file into a new one, and saying what was changed."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from finetuning.file_lines import BOM, Example, read_lines
from schemas.completion_form import SEPARATOR, STOP
from schemas.errors import Problem, UserInputError

_WORDS = {
    "line_taken_out": "unusable lines taken out",
    "blank_line": "blank lines taken out",
    "separator": "separators put behind prompts",
    "leading_space": "blanks put before completions",
    "stop_mark": "stop marks put behind completions",
    "bom": "byte-order mark taken out",
    "trimmed": "answers trimmed",
    "shuffled": "lines shuffled",
}


def fix_file(path: Path, out: Path, *, seed: int) -> list[str]:
    """Write a repaired copy; the original stays. What cannot be repaired is left out.

    Args:
        path: as it is.
        out: must not be the same file.
        seed: of the order.

    Returns:
        What was changed, a line each.

    Raises:
        UserInputError: a file cannot be read or written, or nothing usable is left.
    """
    refuse_same_file(path, out)
    changed: Counter[str] = Counter()
    lines: list[bytes] = []
    try:
        raws = path.read_bytes().split(b"\n")
        changed["bom"] += raws[0].startswith(BOM)
        raws[0] = raws[0].removeprefix(BOM)
        for read in read_lines(path):
            if isinstance(read, Problem):
                changed["blank_line" if read.code == "blank_line" else "line_taken_out"] += 1
            else:
                lines.append(_mended(json.loads(raws[read.line - 1]), read, changed))
        if not lines:
            raise UserInputError("no usable line is left.", where=str(path))
        random.Random(seed).shuffle(lines)  # noqa: S311 - no secret
        changed["shuffled"] += len(lines)
        out.write_bytes(b"".join(lines))
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the file cannot be read or written: {reason}.", where=str(path)) from e
    return [f"{n:,} {_WORDS[name]}" for name, n in changed.items() if n]


def refuse_same_file(path: Path, out: Path) -> None:
    """The original stays whatever happens.

    Raises:
        UserInputError: both are one file.
    """
    if path.resolve() == out.resolve():
        raise UserInputError("the repaired file must not replace the original.", where=str(out))


def _mended(found: dict[str, Any], example: Example, changed: Counter[str]) -> bytes:
    if example.is_chat:
        last = found["messages"][-1]
        if isinstance(last["content"], str) and last["content"] != last["content"].strip():
            last["content"] = last["content"].strip()
            changed["trimmed"] += 1
    else:
        _mend_older(found, changed)
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which only an escape can write
        return json.dumps(found, separators=(",", ":")).encode() + b"\n"


def _mend_older(found: dict[str, Any], changed: Counter[str]) -> None:
    if not found["prompt"].endswith(SEPARATOR):
        found["prompt"] = found["prompt"].rstrip() + SEPARATOR
        changed["separator"] += 1
    answer = found["completion"]
    if not answer.startswith(" "):
        answer = " " + answer.lstrip()
        changed["leading_space"] += 1
    if not answer.endswith(STOP):
        answer = answer.rstrip() + STOP
        changed["stop_mark"] += 1
    found["completion"] = answer
