"""Known secrets and known words of respondents, and where they are found: in any file, in Redis, in a text."""

import base64
import io
import json
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from redis import Redis


@dataclass(frozen=True)
class Mark:
    """Something to look for, in every spelling in which it could hide.

    Attributes:
        name: what it is, for messages.
        text: as it is.
    """

    name: str
    text: str

    def is_in(self, content: bytes) -> bool:
        """In any spelling."""
        return any(spelling in content for spelling in self.spellings())

    def spellings(self) -> Iterator[bytes]:
        """Plain, quoted for URLs and JSON, in base64 at any place of a longer text, and as UTF-16."""
        plain = self.text.encode()
        yield plain
        yield urllib.parse.quote(self.text, safe="").encode()
        yield json.dumps(self.text)[1:-1].replace("/", "\\/").encode()
        yield self.text.encode("utf-16-le")
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + plain)
            yield coded[4 if shift else 0 : -4]  # without what its neighbours decide


def found_in(content: bytes, marks: Iterable[Mark], where: str) -> list[str]:
    """`MARK in PLACE` of each mark."""
    return [f"{mark.name} in {where}" for mark in marks if mark.is_in(content)]


def found_below(folder: Path, marks: Iterable[Mark], *, allowed: Iterable[str] = ()) -> list[str]:
    """Marks in the files of a folder, but for those whose path from it matches one of `allowed`."""
    marks, found = list(marks), []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        rel = path.relative_to(folder).as_posix()
        if any(fnmatch(rel, pattern) for pattern in allowed):
            continue
        found += found_in(rel.encode(), marks, f"the name of {rel}")
        found += found_in(contents(path), marks, rel)
    return found


def contents(path: Path) -> bytes:
    """Everything that a file says: unpacked where it is packed."""
    raw = path.read_bytes()
    if path.suffix in (".sav", ".dta"):
        frame, meta = (pyreadstat.read_sav if path.suffix == ".sav" else pyreadstat.read_dta)(str(path))
        labels = json.dumps(meta.variable_value_labels, default=str, ensure_ascii=False)
        return raw + frame.to_csv().encode() + labels.encode()
    return raw + unpacked(raw)


def unpacked(raw: bytes) -> bytes:
    """Texts of a Parquet file or a zip archive; nothing for anything else."""
    if raw[:4] == b"PAR1" == raw[-4:]:
        return _of_table(pq.read_table(io.BytesIO(raw)))
    if raw[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [archive.read(name) for name in archive.namelist()]
        return b"\n".join(member + unpacked(member) for member in members)
    return b""


def redis_contents(client: Redis) -> Iterator[tuple[str, bytes]]:
    """(key, everything in it) of a whole server; messages of Celery with their bodies decoded."""
    for key in client.scan_iter("*"):
        kind = client.type(key).decode()
        value = _READ[kind](client, key)
        plain = repr(value).encode()
        yield key.decode("utf-8", "replace"), key + b"\n" + plain + b"\n" + _bodies(value)


def _bodies(value: object) -> bytes:
    texts = value if isinstance(value, list) else value.values() if isinstance(value, Mapping) else [value]
    decoded = []
    for text in texts:
        try:
            message = json.loads(text)  # type: ignore[arg-type]
            message = message[0] if isinstance(message, list) else message
            decoded.append(base64.b64decode(message["body"]))
        except (ValueError, TypeError, KeyError):
            continue
    return b"\n".join(decoded)


_READ: dict[str, Any] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: list(client.smembers(key)),
    "zset": lambda client, key: [name for name, _ in client.zrange(key, 0, -1, withscores=True)],
    "hash": lambda client, key: client.hgetall(key),
    "stream": lambda client, key: [repr(entry) for entry in client.xrange(key)],
}


def _of_table(table: pa.Table) -> bytes:
    metadata = repr(table.schema.metadata).encode()
    return metadata + json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
