"""Texts made comparable: wrapping taken off, case and blanks folded, digits of every script as 0-9. Pure."""

import re
import unicodedata

_WRAPPING = " \t\r\n\"'`*_“”‘’„«»()[]<>"
_ANSWER_LINE = re.compile(r"^[ \t>*_#`\-]*answer[ \t*_`]*:[ \t]*(\S.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)


def bare(value: str) -> str:
    """Without quotes, emphasis, brackets and one full stop around it."""
    return value.strip(_WRAPPING).removesuffix(".").strip(_WRAPPING)


def folded(text: str) -> str:
    """Composed, lower case, straight apostrophes, single blanks."""
    plain = unicodedata.normalize("NFC", text).replace("’", "'").replace("‘", "'")
    return " ".join(plain.casefold().split())


def plain_digits(text: str) -> str:
    """Decimal digits of any script as 0-9; superscripts and circled digits are no decimal digits and stay."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def answer_line(text: str) -> str | None:
    """What stands after the last `ANSWER:`; None if no line has it, or several differ and none closes the reply."""
    lines = _ANSWER_LINE.findall(text)
    if not lines:
        return None
    if len({bare(line) for line in lines}) > 1:
        last = text.rstrip().rsplit("\n", 1)[-1]
        if _ANSWER_LINE.fullmatch(last) is None:
            return None
    found: str = lines[-1]
    return found
