"""Input files of batches, written from a plan in one pass: the same bytes for the same plan and settings."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from producer.batch.pack import BatchLimits, Cutter
from producer.batch.spelling import BatchRequest, BatchSpec, Planned, Spelling
from schemas.errors import StoreError
from storage.trouble import store_error

PRIVATE_MODE = 0o600
_LINE_COLUMNS = ["request_id", "turns", "parameters", "prompt_tokens", "completion_tokens", "max_tokens"]
_COLUMNS = [*_LINE_COLUMNS, "model", "shard"]
_ROWS = 2048
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One input file, whole and on the disk.

    Attributes:
        path: readable by its owner only: the lines hold personas.
        n_lines, n_bytes, n_tokens: requests, size, estimated prompt tokens.
        sha256: of the file.
        first_id, last_id: custom_ids of its first and last line.
        n_max_tokens: sum of what a quota that counts maxima would book.
    """

    path: Path
    n_lines: int
    n_bytes: int
    n_tokens: int
    sha256: str
    first_id: str
    last_id: str
    n_max_tokens: int = 0


def no_texts(_request_id: str) -> Sequence[str]:
    """Nothing was answered yet."""
    return ()


def write_batch_files(
    plan_path: Path,
    out_dir: Path,
    spec: BatchSpec,
    *,
    wanted: Callable[[str], bool],
    limits: BatchLimits,
    prefix: str = "batch",
    shards: Sequence[int] | None = None,
    texts: Callable[[str], Sequence[str]] = no_texts,
) -> Iterator[BatchFile]:
    """Write the input files of one model, each yielded once it is whole and synced.

    Requests come in plan order; one file is open at a time, and memory grows by some 100 bytes a request. A file that
    is not whole when the caller stops or an error comes is removed.

    Args:
        plan_path: plan.parquet.
        out_dir: existing folder; files are `<prefix>-00000.jsonl` and so on, and are replaced if they exist.
        spec: which model, and how its lines are spelled.
        wanted: request id -> still to be asked (neither landed nor reused, and not bought online).
        limits: of one file.
        prefix: start of the file names.
        shards: only requests of these shards; None for all.
        texts: request id -> answers of its earlier turns: its next turn is asked.

    Raises:
        StoreError: the plan or the folder fails, or the plan holds a request twice.
        OversizedRequestError: a request is larger than a whole file.
    """
    cutter, writer, number = Cutter(limits), None, 0
    try:
        for line in _lines(plan_path, spec, wanted, shards, texts):
            if cutter.add(len(line.data), line.n_tokens):
                if writer is not None:
                    yield writer.finish()
                writer = _Writer(out_dir / f"{prefix}-{number:05d}.jsonl")
                number += 1
            if writer is not None:
                writer.add(line)
        if writer is not None:
            yield writer.finish()
    finally:
        if writer is not None:
            writer.discard()


def halve_batch_file(file: BatchFile, out_dir: Path, *, prefix: str) -> tuple[BatchFile, BatchFile]:
    """Two files with the first and the second half of the lines, for a queue that does not take the whole.

    Tokens are shared out by bytes, rounded up, since lines do not tell theirs.

    Args:
        file: of two lines at least; it stays as it is.
        out_dir: existing folder for `<prefix>-00000.jsonl` and `<prefix>-00001.jsonl`.
        prefix: start of the file names; another one than the file's own.

    Raises:
        ValueError: it has one line only.
        StoreError: a file cannot be read or written.
    """
    if file.n_lines < 2:
        raise ValueError("a batch of one request cannot be halved")
    writers = [_Writer(out_dir / f"{prefix}-{number:05d}.jsonl") for number in range(2)]
    try:
        with file.path.open("rb") as lines:
            for number, data in enumerate(lines):
                n_tokens = -(-file.n_tokens * len(data) // file.n_bytes)
                n_max_tokens = -(-file.n_max_tokens * len(data) // file.n_bytes)
                line = BatchRequest(json.loads(data)["custom_id"], data, n_tokens, n_max_tokens)
                writers[number >= file.n_lines // 2].add(line)
        return writers[0].finish(), writers[1].finish()
    except OSError as e:
        raise store_error(e, file.path, "read") from e
    finally:
        for writer in writers:
            writer.discard()


def _lines(
    plan_path: Path,
    spec: BatchSpec,
    wanted: Callable[[str], bool],
    shards: Sequence[int] | None,
    texts: Callable[[str], Sequence[str]],
) -> Iterator[BatchRequest]:
    seen: set[bytes] = set()
    spelling = Spelling(spec)
    for table in _tables(plan_path, spec.model, shards):
        columns = [table[name].to_pylist() for name in _LINE_COLUMNS]
        for request_id, turns, parameters, *tokens in zip(*columns, strict=True):
            if not wanted(request_id):
                continue
            key = hashlib.blake2b(request_id.encode(), digest_size=_ID_BYTES).digest()
            if key in seen:
                raise StoreError(f"the plan holds request {request_id} twice.", where=str(plan_path))
            seen.add(key)
            yield spelling.line(request_id, turns, parameters, Planned(*tokens), texts(request_id))


def _tables(plan_path: Path, model: str, shards: Sequence[int] | None) -> Iterator[pa.Table]:
    mine = None if shards is None else pa.array(shards, pa.int32())
    try:
        with pq.ParquetFile(plan_path) as file:
            for batch in file.iter_batches(batch_size=_ROWS, columns=_COLUMNS):
                table = pa.Table.from_batches([batch])
                table = table.filter(pc.equal(table["model"], model))
                yield table if mine is None else table.filter(pc.is_in(table["shard"], mine))
    except (pa.ArrowInvalid, OSError) as e:
        error = e if isinstance(e, OSError) else OSError(0, "it is damaged")
        raise store_error(error, plan_path, "read") from e


class _Writer:
    """One file while it is being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        self._n_lines = self._n_bytes = self._n_tokens = self._n_max_tokens = 0
        self._first_id = self._last_id = ""
        self._is_whole = False
        try:
            path.unlink(missing_ok=True)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            self._file: IO[bytes] = os.fdopen(os.open(path, flags, PRIVATE_MODE), "wb", buffering=1 << 20)
        except OSError as e:
            raise store_error(e, path, "write") from e

    def add(self, line: BatchRequest) -> None:
        try:
            self._file.write(line.data)
        except OSError as e:
            raise store_error(e, self._path, "write") from e
        self._hash.update(line.data)
        self._n_lines += 1
        self._n_bytes += len(line.data)
        self._n_tokens += line.n_tokens
        self._n_max_tokens += line.n_max_tokens
        self._first_id = self._first_id if self._first_id else line.custom_id
        self._last_id = line.custom_id

    def finish(self) -> BatchFile:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as e:
            raise store_error(e, self._path, "write") from e
        self._is_whole = True
        return BatchFile(
            self._path,
            self._n_lines,
            self._n_bytes,
            self._n_tokens,
            self._hash.hexdigest(),
            self._first_id,
            self._last_id,
            self._n_max_tokens,
        )

    def discard(self) -> None:
        if not self._is_whole:
            with suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)
