"""Files of a plan: Parquet written in pieces, the same bytes for the same rows."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from producer.planning.rows import RequestRow, TaskRow
from producer.planning.shards import Lot, Shard, grouped
from schemas import tables
from storage.trouble import store_error

TASKS_PER_GROUP = 100_000
PRIVATE_MODE = 0o600

_REPEATING = ["model", "parameters", "answer_format"]
"""Columns of the plan worth a dictionary; every other value is its own."""
_TASK_REPEATING = ["respondent_id", "question_id", "arm", "truth_status", "split", "repeat", "truth", "weight"]


class TaskWriter:
    """tasks.parquet, a row group at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pq.ParquetWriter(path, tables.TASKS, compression="zstd", use_dictionary=_TASK_REPEATING)
        self._rows: list[TaskRow] = []

    def add(self, row: TaskRow) -> None:
        """Append one task."""
        self._rows.append(row)
        if len(self._rows) >= TASKS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(_table(self._rows, tables.TASKS), row_group_size=TASKS_PER_GROUP)
            self._rows = []

    def __enter__(self) -> "TaskWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
        finally:
            self._writer.close()
        if error is None:
            _sync(self._path)


def write_requests(path: Path, shards: Iterable[Shard[RequestRow]]) -> dict[Lot, list[int]]:
    """plan.parquet, one row group per group of whole shards; its prompts hold personas, so only its owner reads it.

    Args:
        path: must not exist.
        shards: in plan order.

    Returns:
        Model and transport -> shard numbers, in plan order.
    """
    numbers: dict[Lot, list[int]] = {}
    _create_private(path)
    with pq.ParquetWriter(
        path,
        tables.PLAN,
        compression="zstd",
        use_dictionary=_REPEATING,
        write_statistics=["model", "shard"],  # smallest and largest prompt would only swell the footer
    ) as writer:
        for group in grouped(shards):
            for shard in group:
                numbers.setdefault(shard.lot, []).append(shard.number)
            table = _requests_table(group)
            writer.write_table(table, row_group_size=table.num_rows)
    _sync(path)
    return numbers


def _requests_table(group: Sequence[Shard[RequestRow]]) -> pa.Table:
    columns = list(zip(*(row[:-1] for shard in group for row in shard.rows), strict=True))  # a shard says the transport
    shards = [shard.number for shard in group for _ in shard.rows]
    return _arrays([*columns, shards], tables.PLAN)


def _table(rows: Sequence[TaskRow], schema: pa.Schema) -> pa.Table:
    return _arrays(list(zip(*rows, strict=True)), schema)


def _arrays(columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    arrays = [pa.array(values, type=kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


_RESPONDENT_TYPES: Mapping[str, pa.DataType] = {
    "respondent_id": pa.string(),
    "weight": pa.float64(),
    "strata": pa.string(),
    "cluster": pa.string(),
    "split": pa.string(),
}


def write_respondents(path: Path, respondents: pd.DataFrame) -> None:
    """respondents.parquet, readable by its owner only from its first byte on.

    Args:
        path: must not exist.
        respondents: as prepared; every further column holds codes and becomes int32.
    """
    arrays = {
        str(name): pa.array(respondents[name], type=_RESPONDENT_TYPES.get(str(name), pa.int32()), from_pandas=True)
        for name in respondents.columns
    }
    table = pa.table(arrays).replace_schema_metadata({tables.FORMAT_KEY: str(tables.FORMAT_NO)})
    _create_private(path)
    pq.write_table(table, path, compression="zstd")
    _sync(path)


def _create_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE))


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8, on the disk before this returns."""
    path.write_text(text, encoding="utf-8")
    _sync(path)


@contextmanager
def told_as_store_error(folder: Path) -> Iterator[None]:
    """Says a full, read-only or missing disk in the words of the store."""
    try:
        yield
    except OSError as e:
        raise store_error(e, folder, "write") from e


def _sync(path: Path) -> None:
    """The folder is renamed into the store afterwards: its files must not be younger than the rename."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
