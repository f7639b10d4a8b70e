"""Repairing a training file into a new one, and saying what was changed."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finetuning.checking.content_checks import CONTROL
from finetuning.checking.file_lines import BOM, Example, raw_lines, read_line, without_unknown_keys
from finetuning.preparing.shuffle import Shuffle
from schemas.completion_form import SEPARATOR, STOP
from schemas.errors import Problem, UserInputError

_WORDS = {
    "line_taken_out": ("unusable line taken out", "unusable lines taken out"),
    "blank_line": ("blank line taken out", "blank lines taken out"),
    "bom": ("byte-order mark taken out", "byte-order marks taken out"),
    "unknown_key": (
        "line freed from keys that no training line has", "lines freed from keys that no training line has",
    ),
    "unknown_role": ("line with its roles in small letters", "lines with their roles in small letters"),
    "control_character": ("line freed from control characters", "lines freed from control characters"),
    "separator": ("separator put behind a prompt", "separators put behind prompts"),
    "leading_space": ("blank put before a completion", "blanks put before completions"),
    "stop_mark": ("stop mark put behind a completion", "stop marks put behind completions"),
    "trimmed": ("answer trimmed", "answers trimmed"),
    "shuffled": ("line shuffled", "lines shuffled"),
}  # fmt: skip
_MOST_REPAIRS = 4


def fix_file(path: Path, out: Path, *, seed: int) -> list[str]:
    """Write a repaired copy; the original stays. What cannot be repaired is left out.

    Args:
        path: as it is.
        out: must not be the same file.
        seed: of the order.

    Returns:
        What was changed, a line each; nothing, and no file, if no line can be used.

    Raises:
        UserInputError: a file cannot be read or written.
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
                return []
            with out.open("wb") as file:
                file.writelines(shuffle.lines())
        with path.open("rb") as file:
            changed["bom"] += file.read(len(BOM)) == BOM
    except OSError as e:
        reason = e.strerror if e.strerror is not None else type(e).__name__
        raise UserInputError(f"the repaired file cannot be written: {reason}.", where=str(out)) from e
    told = ((changed[name], words) for name, words in _WORDS.items() if changed[name])
    return [f"{n:,} {one if n == 1 else many}" for n, (one, many) in told]


def _fixed(raw: bytes, number: int, name: str, changed: Counter[str]) -> bytes | None:
    """A line as it should be, line feed included; None if nothing can be made of it."""
    read, repaired = read_line(raw, number, name), Counter[str]()
    for _ in range(_MOST_REPAIRS):
        repair = _REPAIRS.get(read.code) if isinstance(read, Problem) else None
        if repair is None:
            break
        code, mend = repair
        raw = mend(raw)
        repaired[code] += 1
        read = read_line(raw, number, name)
    if isinstance(read, Problem):
        changed["blank_line" if read.code == "blank_line" else "line_taken_out"] += 1
        return None
    changed.update(set(repaired))
    return _mended(json.loads(raw), read, changed)


def _small_roles(raw: bytes) -> bytes:
    found = json.loads(raw)
    for message in found["messages"]:
        if isinstance(message, dict) and isinstance(message.get("role"), str):
            message["role"] = message["role"].strip().lower()
    return json.dumps(found, ensure_ascii=False).encode()


def _without_marks(raw: bytes) -> bytes:
    while raw.startswith(BOM):
        raw = raw.removeprefix(BOM)
    return raw


_REPAIRS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "unknown_key": ("unknown_key", without_unknown_keys),
    "unknown_role": ("unknown_role", _small_roles),
    "bom_inside": ("bom", _without_marks),
}
"""Code of a problem -> what was done, and how."""


def refuse_same_file(path: Path, out: Path) -> None:
    """The original stays whatever happens.

    Raises:
        UserInputError: both are one file.
    """
    if path.resolve() == out.resolve():
        raise UserInputError("the repaired file must not replace the original.", where=str(out))


def _mended(found: dict[str, Any], example: Example, changed: Counter[str]) -> bytes:
    if _free_of_control(found):
        changed["control_character"] += 1
    if example.is_chat:
        last = found["messages"][-1]
        if isinstance(last.get("content"), str) and last["content"] != last["content"].strip():
            last["content"] = last["content"].strip()
            changed["trimmed"] += 1
    else:
        _mend_older(found, changed)
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _free_of_control(found: dict[str, Any]) -> bool:
    """Take control characters out of the texts; whether there were any."""
    texts = [(found, key) for key in ("prompt", "completion")] + [(m, "content") for m in found.get("messages", ())]
    held = [(at, key) for at, key in texts if isinstance(at.get(key), str) and CONTROL.search(at[key])]
    for at, key in held:
        at[key] = CONTROL.sub("", at[key])
    return bool(held)


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
