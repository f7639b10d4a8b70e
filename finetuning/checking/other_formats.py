"""Files that are no JSON lines at all: one message about the file instead of one for each of its lines."""

from pathlib import Path

from finetuning.checking.file_lines import BOM
from schemas.errors import Problem

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_MANY_NULS = 5
_LOOKED_AT_BYTES = 65_536


def other_format(path: Path) -> Problem | None:
    """What a file with hardly a usable line seems to be instead."""
    with path.open("rb") as file:
        begin = file.read(_LOOKED_AT_BYTES)
    problem = _of_bytes(begin, path.name)
    return _of_text(begin.removeprefix(BOM).lstrip(), path.name) if problem is None else problem


def _of_bytes(begin: bytes, name: str) -> Problem | None:
    if begin.startswith(_PACKED):
        return Problem("the file is compressed.", name, "Unpack it first.", code="other_format")
    if begin.startswith(_UTF_16) or begin.count(b"\0") > len(begin) // _MANY_NULS:
        return Problem("the file is UTF-16.", name, "Save it as UTF-8.", code="other_format")
    if b"\r" in begin and b"\n" not in begin:
        hint = "Save it with line feeds at the ends of lines."
        return Problem("the lines end in carriage returns alone.", name, hint, code="other_format")
    return None


def _of_text(text: bytes, name: str) -> Problem | None:
    if text.startswith(b"["):
        hint = "Write one object a line, without the brackets around and the commas between them."
        return Problem("the file is one JSON list.", name, hint, code="other_format")
    if text.startswith(b"{") and text.partition(b"\n")[0].strip() == b"{":
        return Problem("objects go over several lines.", name, "Write each on one line.", code="other_format")
    if b"," in text.partition(b"\n")[0] and not text.startswith(b"{"):
        hint = "`nightpoll finetune prepare` makes training files of a survey."
        return Problem("the file reads like a table, not like JSON lines.", name, hint, code="other_format")
    return None
