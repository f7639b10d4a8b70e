"""Survey files of somebody who means harm: refused in bounded time and memory, in one line."""

import os
import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from schemas.errors import SurveyFileError
from survey.files import read_survey
from survey.formats import parquet_file, xlsx_file

MOST_S = 30.0
MOST_BYTES = 500 << 20


def xlsx(path: Path) -> dict[str, bytes]:
    book = openpyxl.Workbook()
    for row in (("ID", "A"), (1, 2), (2, 3)):
        book.active.append(row)
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = b"</sheetData></worksheet>"


def with_sheet(path: Path, rows: bytes) -> None:
    repacked(path, xlsx(path) | {SHEET: HEAD + rows + TAIL})


def zip_bomb(path: Path) -> None:
    parts = xlsx(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if name != SHEET:
                archive.writestr(name, content)
        with archive.open(SHEET, "w", force_zip64=True) as sheet:
            sheet.write(HEAD)
            for _ in range(60):
                sheet.write(b" " * (1 << 20))
            sheet.write(TAIL)


def row_far_down(path: Path) -> None:
    with_sheet(
        path, b'<row r="1"><c r="A1"><v>1</v></c></row><row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'
    )


def column_far_right(path: Path) -> None:
    with_sheet(path, b'<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>')


def laughs(path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha" * 50}">' for n in range(12))
    content = f'<?xml version="1.0"?><!DOCTYPE w [{entities}]>'.encode() + HEAD
    content += b'<row r="1"><c r="A1" t="inlineStr"><is><t>&a11;</t></is></c></row>' + TAIL
    repacked(path, xlsx(path) | {SHEET: content})


def outside_entity(path: Path) -> None:
    content = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HEAD
    content += (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row><row r="2"><c r="A2"><v>1</v></c></row>'
    )
    repacked(path, xlsx(path) | {SHEET: content + TAIL})


def names_outside(path: Path) -> None:
    repacked(path, xlsx(path) | {"../../../../tmp/owned": b"x", "/etc/owned": b"x"})
    Path(path).write_bytes(path.read_bytes()[:-40])


def many_rows(path: Path) -> None:
    one = pa.table({"ID": pa.array([1] * 5_000_000, pa.int8()).dictionary_encode()})
    with pq.ParquetWriter(path, one.schema, compression="zstd") as writer:
        for _ in range(3):
            writer.write_table(one)


def nested_types(path: Path) -> None:
    kind = pa.int32()
    for _ in range(120):
        kind = pa.list_(kind)
    pq.write_table(pa.table({"A": pa.array([None, None], kind)}), path)


def broken_footer(path: Path) -> None:
    pd.DataFrame({"ID": range(99)}).to_parquet(path)
    data = bytearray(path.read_bytes())
    data[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)


def scrambled(write: Callable[[Path], None], seed: int) -> Callable[[Path], None]:
    def damaged(path: Path) -> None:
        write(path)
        data, rng = bytearray(path.read_bytes()), random.Random(seed)
        for _ in range(60):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data[: -len(data) // 5])

    return damaged


def sav(path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"ID": range(200), "A": ["x"] * 200}), str(path))


def zsav(path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"ID": range(200), "A": ["x"] * 200}), str(path), compress=True)


def huge_sav(path: Path) -> None:
    sav(path)
    data = bytearray(path.read_bytes())
    data[80:84] = (2**31 - 2).to_bytes(4, "little")  # number of cases
    path.write_bytes(data)


def dta(path: Path) -> None:
    pyreadstat.write_dta(pd.DataFrame({"ID": range(200), "A": ["x"] * 200}), str(path))


def long_line(path: Path) -> None:
    path.write_text("ID,A\n1," + "x" * 3_000_000 + "\n")


def many_columns(path: Path) -> None:
    path.write_text(",".join(f"c{n}" for n in range(200_000)) + "\n" + "1" * 10 + "\n")


def quotes(path: Path) -> None:
    path.write_text('ID,A\n1,"' + "a\n" * 500_000)


def controls(path: Path) -> None:
    path.write_bytes(b"ID,A\n1,\x00\x01\n")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def pipe(path: Path) -> None:
    os.mkfifo(path)


HOSTILE = [
    (zip_bomb, ".xlsx"), (row_far_down, ".xlsx"), (column_far_right, ".xlsx"), (laughs, ".xlsx"),
    (outside_entity, ".xlsx"), (names_outside, ".xlsx"), (many_rows, ".parquet"), (nested_types, ".parquet"),
    (broken_footer, ".parquet"), (huge_sav, ".sav"), (long_line, ".csv"), (many_columns, ".csv"), (quotes, ".csv"),
    (controls, ".csv"), (device, ".sav"), (device, ".csv"), (pipe, ".xlsx"), (sav, ".xlsx"), (sav, ".parquet"),
    *((scrambled(w, seed), end) for w, end in ((sav, ".sav"), (zsav, ".zsav"), (dta, ".dta")) for seed in range(4)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("write", "ending"),
    [pytest.param(write, end, id=f"{write.__name__}{end}-{n}") for n, (write, end) in enumerate(HOSTILE)],
)
def test_hostile_file_is_refused_or_read_within_bounds(tmp_path, monkeypatch, write, ending):
    monkeypatch.setattr(xlsx_file, "MOST_BYTES", 50 << 20)  # a bomb of a gigabyte takes ten seconds to write
    monkeypatch.setattr(parquet_file, "MOST_ROWS", 10_000_000)
    path = tmp_path / f"survey{ending}"
    write(path)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    try:
        said = read_survey(path).frame.head(50).to_csv()
    except SurveyFileError as error:
        said = str(error)

    assert time.monotonic() - began < MOST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES
    assert "root:" not in said
    assert len(said) < 100_000
    assert not Path("/tmp/owned").exists()
