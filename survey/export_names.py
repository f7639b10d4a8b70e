"""Names of variables as SPSS and Stata bear them: letters, digits and underscores, of a certain length, each once."""

import re
import unicodedata
from collections.abc import Collection, Iterable

LONGEST_NAME = {"sav": 64, "dta": 32}
"""Format -> bytes of a name."""

_FITTING = {"sav": re.compile(r"[^\W\d_][\w.$#@]*"), "dta": re.compile(r"[^\W\d]\w*")}
_RESERVED = re.compile(
    "all|and|by|eq|ge|gt|le|lt|ne|not|or|to|with|using|if|in|byte|int|long|float|double|strl|str[0-9]+|"
    "_(?:all|b|coef|cons|n|pi|pred|rc|skip)",
    re.IGNORECASE,
)
"""Words of SPSS's and of Stata's own language."""

_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def fitting_names(names: Iterable[str], kind: str) -> dict[str, str]:
    """Name -> as it stands in the file: what the format bears stays as it is.

    Args:
        names: of a survey file, each once.
        kind: `sav` or `dta`.

    Source:
        SPSS Statistics, Variable names; Stata, [U] 11.3 Naming conventions; what pyreadstat 1.3 refuses to write.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        found[name] = _free(name if _fits(name, kind) else _plain(name), used, kind)
        used.add(found[name].casefold())
    return found


def new_name(question: str, arm: str, taken: Collection[str], kind: str) -> str:
    """QUESTION_arm, shortened to what the format bears and numbered where taken (names differ by more than case)."""
    name = fitting_names([question], kind)[question]
    return _free(f"{name}_{''.join(c if c.isascii() and c.isalnum() else '_' for c in arm)}", taken, kind)


def _fits(name: str, kind: str) -> bool:
    is_word = _RESERVED.fullmatch(name) is not None
    return not is_word and len(name.encode()) <= LONGEST_NAME[kind] and _FITTING[kind].fullmatch(name) is not None


def _plain(name: str) -> str:
    """Plain letters and digits with underscores between them; a letter comes first."""
    letters = unicodedata.normalize("NFKD", name.translate(_SPELT))
    plain = re.sub(r"[^A-Za-z0-9]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")
    return plain if plain[:1].isalpha() and _RESERVED.fullmatch(plain) is None else f"V_{plain}"


def _free(whole: str, taken: Collection[str], kind: str) -> str:
    name, n = _cut(whole, LONGEST_NAME[kind]), 1
    while name.casefold() in taken:
        n += 1
        name = f"{_cut(whole, LONGEST_NAME[kind] - len(str(n)) - 1)}_{n}"
    return name


def _cut(name: str, n_bytes: int) -> str:
    return name.encode()[:n_bytes].decode(errors="ignore")
