"""Repairing a training file into a new one, and saying what was changed."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finetuning.checking.file_lines import BOM, Example, raw_lines, read_line, without_unknown_keys
from finetuning.preparing.shuffle import Shuffle
from schemas.completion_form import SEPARATOR, STOP
from schemas.errors import Problem, UserInputError

_WORDS = {
    "line_taken_out": "unusable lines taken out",
    "blank_line": "blank lines taken out",
    "unknown_key": "lines freed from keys that no training line has",
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
    try:
        with TemporaryDirectory(dir=out.absolute().parent) as folder, Shuffle(Path(folder), seed=seed) as shuffle:
            for number, raw in raw_lines(path):
                line = _fixed(raw, number, path.name, changed)
                if line is not None:
                    shuffle.add(str(number), line)
                    changed["shuffled"] += 1
            if not changed["shuffled"]:
                raise UserInputError("no usable line is left.", where=str(path))
            with out.open("wb") as file:
                file.writelines(shuffle.lines())
        with path.open("rb") as file:
            changed["bom"] += file.read(len(BOM)) == BOM
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the repaired file cannot be written: {reason}.", where=str(out)) from e
    return [f"{changed[name]:,} {words}" for name, words in _WORDS.items() if changed[name]]


def _fixed(raw: bytes, number: int, name: str, changed: Counter[str]) -> bytes | None:
    """A line as it should be, line feed included; None if nothing can be made of it."""
    read = read_line(raw, number, name)
    if isinstance(read, Problem) and read.code == "unknown_key":
        raw = without_unknown_keys(raw)
        read = read_line(raw, number, name)
        changed["unknown_key"] += isinstance(read, Example)
    if isinstance(read, Problem):
        changed["blank_line" if read.code == "blank_line" else "line_taken_out"] += 1
        return None
    return _mended(json.loads(raw), read, changed)


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
        if isinstance(last.get("content"), str) and last["content"] != last["content"].strip():
            last["content"] = last["content"].strip()
            changed["trimmed"] += 1
    else:
        _mend_older(found, changed)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


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
