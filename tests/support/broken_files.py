"""Broken survey files, generated kind by kind: what is wrong, and words that the screen must hold."""

import functools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyreadstat

from tests.support.survey_files import trap_frame, write_trap_sav

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "survey_files"
CRASHING_SEEDS = (19, 87, 319, 543)
"""Copies of the trap file with random bytes in them that end the process which reads them."""


class BrokenFile(NamedTuple):
    """A survey file with one mistake."""

    name: str
    file: str
    data: bytes
    words: tuple[str, ...]


def broken_files(scratch: Path) -> Iterator[BrokenFile]:
    """All of them; `scratch` is a folder to write whole files in."""
    whole = _whole_files(scratch)
    yield from _texts()
    for kind, data in whole.items():
        yield BrokenFile(f"{kind} that is empty", f"s.{kind}", b"", ("is empty", "again"))
        yield BrokenFile(f"{kind} that is a letter", f"s.{kind}", b"Dear Sir or Madam, " * 60, ("This is not", "again"))
        for share in (0.1, 0.6):
            cut = data[: int(share * len(data))]
            yield BrokenFile(f"{kind} cut at {share:.0%}", f"s.{kind}", cut, (f"s.{kind}", "again"))
    for seed in CRASHING_SEEDS:
        yield BrokenFile(f"sav of seed {seed}", "s.sav", scrambled(whole["sav"], seed), ("damaged", "SPSS"))


def scrambled(data: bytes, seed: int) -> bytes:
    """The file with up to 40 random bytes in it."""
    rng, changed = random.Random(seed), bytearray(data)
    for _ in range(rng.randint(1, 40)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


@functools.cache
def _whole_files(scratch: Path) -> dict[str, bytes]:
    frame = trap_frame().drop(columns="BORN")
    writers: dict[str, Callable[[Path], object]] = {
        "sav": write_trap_sav,
        "zsav": lambda path: pyreadstat.write_sav(frame, str(path), compress=True),
        "dta": lambda path: pyreadstat.write_dta(frame, str(path)),
        "por": lambda path: path.write_bytes((FIXTURES / "people.por").read_bytes()),
        "sas7bdat": lambda path: path.write_bytes((FIXTURES / "people.sas7bdat").read_bytes()),
        "xlsx": lambda path: frame.to_excel(path, index=False),
        "parquet": frame.to_parquet,
    }
    found = {}
    for kind, write in writers.items():
        write(scratch / f"whole.{kind}")
        found[kind] = (scratch / f"whole.{kind}").read_bytes()
    return found


def _texts() -> Iterator[BrokenFile]:
    texts = {
        "no header": ("\n\n", ("no respondents",)),
        "a header only": ("a,b\n", ("no respondents", "rows")),
        "a row too long": ("a,b\n1,2\n1,2,3\n", ("3 cells", "header has 2", "s.csv:3")),
        "a row too short": ("a,b\n1,2\n1\n", ("1 cells", "header has 2", "s.csv:3")),
        "an open quotation mark": ('a,b\n"1,2\n3,4\n', ("quotation mark", "twice")),
        "a name twice": ("a,b,a\n1,2,3\n", ("named a", "s.csv:1", "Rename")),
        "a column without name": ("a,,c\n1,2,3\n", ("Column 2", "s.csv:1")),
        "a picture": ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ("not a text file", "UTF-8")),
        "half of a UTF-16 sign": ("\ufeffab", ("UTF-16", "UTF-8")),
    }
    for name, (text, words) in texts.items():
        data = text.encode("utf-16-le")[:-1] if "UTF-16" in name else text.encode("latin-1")
        yield BrokenFile(f"csv with {name}", "s.csv", data, words)
    yield BrokenFile("tsv with a row too long", "s.tsv", b"a\tb\n1\t2\t3\n", ("3 cells", "s.tsv:2"))
    yield BrokenFile("old workbook", "s.xls", b"\xd0\xcf\x11\xe0", (".xls", ".xlsx"))
    yield BrokenFile("file without a kind", "survey", b"a,b\n1,2\n", ("are not read", ".sav"))
