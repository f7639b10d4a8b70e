"""Files that are no JSON lines at all: one message about the file instead of one for each of its lines."""

from pathlib import Path

from finetuning.checking.file_lines import BOM
from schemas.errors import Problem

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT_BYTES = 4096


def other_format(path: Path) -> Problem | None:
    """What a file without a single usable line seems to be instead."""
    with path.open("rb") as file:
        begin = file.read(_LOOKED_AT_BYTES)
    text, name = begin.removeprefix(BOM).lstrip(), path.name
    if begin.startswith(_UTF_16):
        return Problem("the file is UTF-16.", name, "Save it as UTF-8.", code="other_format")
    if text.startswith(b"["):
        hint = "Write one object a line, without the brackets around and the commas between them."
        return Problem("the file is one JSON list.", name, hint, code="other_format")
    if text.startswith(b"{") and text.partition(b"\n")[0].strip() == b"{":
        return Problem("objects go over several lines.", name, "Write each on one line.", code="other_format")
    if b"," in text.partition(b"\n")[0] and not text.startswith(b"{"):
        hint = "`nightpoll finetune prepare` makes training files of a survey."
        return Problem("the file reads like a table, not like JSON lines.", name, hint, code="other_format")
    return None
