"""Version 1 of the reader: one option by its code or label, as first released. Kept as it was for `reread`."""

import re
import unicodedata
from collections.abc import Mapping

from workers.reading.answer_values import Choice, Unparsed

_LONGEST_READ_CHARS = 100_000
_CODE = re.compile(r"-?[0-9]{1,9}")
_CODE_AND_LABEL = re.compile(r"(-?[0-9]{1,9})\s*[.):\-–—]\s*(\S.*)", re.DOTALL)
_ANSWER_LINE = re.compile(r"^[ \t>*_#`\-]*answer[ \t*_`]*:[ \t]*(\S.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_WRAPPING = " \t\r\n\"'`*_“”‘’()[]<>"


def read_option(text: str, offered: Mapping[int, str], *, on_last_line: bool) -> Choice | Unparsed:
    """Read a reply.

    Args:
        text: what the model wrote in its last turn.
        offered: code -> label of the options shown.
        on_last_line: the last line `ANSWER: ...` is the answer, not the whole reply.
    """
    if not text.strip():
        return Unparsed("no_text")
    if len(text) > _LONGEST_READ_CHARS:
        return Unparsed("no_code")
    if on_last_line:
        lines = _ANSWER_LINE.findall(text)
        if not lines:
            return Unparsed("no_answer_line")
        if len({_bare(line) for line in lines}) > 1 and not _is_last_line(text):
            return Unparsed("no_answer_line")
        return _read_value(lines[-1], offered)
    return _read_value(text, offered)


def _is_last_line(text: str) -> bool:
    """Several different answer lines count only if the last one closes the reply."""
    last = text.rstrip().rsplit("\n", 1)[-1]
    return _ANSWER_LINE.fullmatch(last) is not None


def _read_value(value: str, offered: Mapping[int, str]) -> Choice | Unparsed:
    bare = _bare(value)
    if _CODE.fullmatch(bare):
        code = int(bare)
        return Choice(code) if code in offered else Unparsed("code_not_offered")
    by_label = _code_of_label(bare, offered)
    if by_label is not None:
        return Choice(by_label)
    both = _CODE_AND_LABEL.fullmatch(bare)
    if both is not None and _code_of_label(_bare(both[2]), offered) == int(both[1]):
        return Choice(int(both[1]))
    return Unparsed("no_code")


def _bare(value: str) -> str:
    return value.strip(_WRAPPING).removesuffix(".").strip(_WRAPPING)


def _code_of_label(bare: str, offered: Mapping[int, str]) -> int | None:
    wanted = _folded(bare)
    matches = [code for code, label in offered.items() if _folded(_bare(label)) == wanted]
    return matches[0] if len(matches) == 1 else None


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).replace("’", "'").replace("‘", "'")
    return " ".join(plain.casefold().split())
