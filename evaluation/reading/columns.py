"""Columns of predictions.parquet as numbers: names become indexes, batch by batch, so memory stays bounded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.reading.cells import MISSING_CODE, SPLITS, STATUSES, TRUTH_STATUSES
from evaluation.reading.scale import Scale
from evaluation.reading.usage import TRANSPORTS, UsageColumns
from schemas.errors import StoreError
from storage.parts import open_table
from storage.store import Store

EMULATOR_FINGERPRINT = "fp_emulator"
"""How every system fingerprint of an emulator begins."""

_READ_AS = {
    "respondent_id": "respondent",
    "question_id": "question",
    "arm": "arm",
    "repeat": "repeat",
    "status": "status",
    "answer": "answer",
    "truth": "truth",
    "truth_status": "truth_status",
    "weight": "weight",
    "split": "split",
    "in_sample": "in_sample",
    "system_fingerprint": "simulated",
    "covered_mass": "covered_mass",
}
"""Column of the file -> attribute of Columns."""

_PROBABILITIES = "probabilities"
_USAGE = {
    "cost_usd": "cost_usd",
    "latency_s": "latency_s",
    "prompt_tokens": "tokens_in",
    "completion_tokens": "tokens_out",
    "shared_by": "shared_by",
}
_ORIGIN = ("model_version", "served_model")
_ROWS_AT_ONCE = 131_072


@dataclass(frozen=True)
class Names:
    """Every name a row may carry."""

    respondents: list[str]
    arms: list[str]
    scales: Mapping[str, Scale]

    @property
    def questions(self) -> list[str]:
        """In codebook order."""
        return list(self.scales)


@dataclass(frozen=True)
class Triples:
    """Probabilities: one entry a row and code."""

    row: IntArray
    code: IntArray
    share: FloatArray


@dataclass(frozen=True)
class PredictionColumns:
    """One entry a row of the file; a null answer or truth is MISSING_CODE, a null covered_mass NaN."""

    respondent: IntArray
    question: IntArray
    arm: IntArray
    repeat: IntArray
    status: IntArray
    answer: IntArray
    truth: IntArray
    truth_status: IntArray
    weight: FloatArray
    split: IntArray
    in_sample: BoolArray
    simulated: BoolArray
    covered_mass: FloatArray
    probabilities: Triples
    usage: UsageColumns


def read_columns(store: Store, rel: str, names: Names) -> PredictionColumns:
    """The columns that the evaluation needs.

    Raises:
        StoreError: damaged, or a row carries a name that the run does not know.
        FormatError: another format.
    """
    where = store.where(rel)
    known = {
        "respondent_id": names.respondents,
        "question_id": names.questions,
        "arm": names.arms,
        "status": list(STATUSES),
        "truth_status": list(TRUTH_STATUSES),
        "split": list(SPLITS),
    }
    pieces: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _READ_AS}
    triples: list[Triples] = []
    usage: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in [*_USAGE.values(), "transport", "origin"]}
    origins: dict[str, int] = {}
    n_rows = 0
    for batch in _batches(store, rel):
        for name, found in pieces.items():
            column = batch.column(name)
            found.append(_indexes(column, known[name], name, where) if name in known else _plain(column, name))
        triples.append(_triples(batch.column(_PROBABILITIES), n_rows))
        _read_usage(batch, usage, origins)
        n_rows += batch.num_rows
    whole: dict[str, Any] = {_READ_AS[name]: _whole(found) for name, found in pieces.items()}
    used: dict[str, Any] = {name: _whole(found) for name, found in usage.items()}
    return PredictionColumns(**whole, probabilities=_joined(triples), usage=UsageColumns(**used))


def by_row(triples: Triples, new_row: IntArray) -> Triples:
    """The same triples with rows renumbered, ascending."""
    row = new_row[triples.row]
    order = np.argsort(row, kind="stable")
    return Triples(row[order], triples.code[order], triples.share[order])


def plain_codes(column: pa.Array | pa.ChunkedArray) -> IntArray:
    """Whole-number codes with MISSING_CODE for null."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), MISSING_CODE).to_numpy(), dtype=np.int64)


def _batches(store: Store, rel: str) -> Iterator[pa.RecordBatch]:
    with open_table(store, rel) as file:
        try:
            wanted = [*_READ_AS, _PROBABILITIES, *_USAGE, *_ORIGIN, "transport"]
            yield from file.iter_batches(_ROWS_AT_ONCE, columns=wanted)
        except (pa.ArrowInvalid, OSError) as e:
            raise StoreError("the file is damaged.", where=store.where(rel)) from e


def _read_usage(batch: pa.RecordBatch, usage: dict[str, list[npt.NDArray[Any]]], origins: dict[str, int]) -> None:
    """Append what the rows cost and where they came from; `origins` numbers each model and version once."""
    for name, attribute in _USAGE.items():
        numbers = batch.column(name).cast(pa.float64())
        usage[attribute].append(np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64))
    transport = pc.index_in(batch.column("transport").cast(pa.string()), value_set=pa.array(TRANSPORTS))
    usage["transport"].append(np.asarray(pc.fill_null(transport, -1).to_numpy(), dtype=np.int64))
    texts = [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in _ORIGIN]
    origin = pc.binary_join_element_wise(*texts, "\n").dictionary_encode()
    names = origin.dictionary.to_pylist()
    numbered = np.array([-1 if n == "\n" else origins.setdefault(n, len(origins)) for n in names], dtype=np.int64)
    usage["origin"].append(numbered[np.asarray(origin.indices.to_numpy(), dtype=np.int64)])


def _indexes(column: pa.Array, known: list[str], name: str, where: str) -> IntArray:
    found = pc.index_in(column.cast(pa.string()), value_set=pa.array(known, pa.string()))
    if found.null_count:
        raise StoreError(
            f"{found.null_count} rows have a {name} that the run's other files do not name.",
            where=where,
            hint="The file does not belong to this run, or it is damaged.",
        )
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _plain(column: pa.Array, name: str) -> npt.NDArray[Any]:
    if name == "system_fingerprint":
        told = pc.starts_with(column.cast(pa.string()), EMULATOR_FINGERPRINT)
        return np.asarray(told.fill_null(False).to_numpy(zero_copy_only=False))
    if name in ("answer", "truth", "repeat"):
        return plain_codes(column)
    if name == "covered_mass":
        return np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False))
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _triples(column: pa.MapArray, first_row: int) -> Triples:
    if column.null_count == len(column):
        return Triples(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    offsets = np.asarray(column.offsets.to_numpy(), dtype=np.int64)
    row = np.repeat(np.arange(len(column)), np.diff(offsets)) + first_row
    inside = slice(int(offsets[0]), int(offsets[-1]))
    code = np.asarray(column.keys.to_numpy(), dtype=np.int64)[inside]
    share = np.asarray(column.items.to_numpy(zero_copy_only=False), dtype=np.float64)[inside]
    return Triples(row, code, share)


def _joined(triples: list[Triples]) -> Triples:
    if not triples:
        return Triples(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Triples(
        np.concatenate([t.row for t in triples]),
        np.concatenate([t.code for t in triples]),
        np.concatenate([t.share for t in triples]),
    )


def _whole(pieces: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)
