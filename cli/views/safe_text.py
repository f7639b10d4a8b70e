"""Texts of models and survey files on a terminal: nothing in them may steer it."""

import re
import unicodedata

_JOINERS = "\u200c\u200d"
"""Scripts and emoji need them, and they move nothing."""
_STEERING = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """The text with every control character but line ends made visible as `�`, marks of direction among them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_safe, text))


def safe_json(document: str) -> str:
    """JSON with the characters escaped that JSON leaves alone and that steer a terminal or turn a line around."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _safe(character: str) -> str:
    if character.isprintable() or character == "\n" or character in _JOINERS:
        return character
    return " " if character == "\t" or unicodedata.category(character) == "Zs" else "�"


def first_line(text: str | None, *, limit: int = 80) -> str:
    """The first line that is not blank, cut to `limit` characters; "" for no text."""
    lines = [line.strip() for line in (text if text is not None else "").splitlines() if line.strip()]
    if not lines:
        return ""
    line = safe(lines[0])
    return line if len(line) <= limit and len(lines) == 1 else line[: limit - 1].rstrip() + "…"
