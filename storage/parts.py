"""Parts: the landed answers of one unit, whole or not there."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import run_paths, tables
from schemas.errors import FormatError, StoreError
from storage.store import Store


def write_part(store: Store, run_id: str, unit: str, table: pa.Table) -> bool:
    """Land a unit's table (`tables.RESPONSES`); False if another holder was first, then nothing is written."""
    rel = run_paths.part(run_id, unit)
    checked = table.cast(tables.RESPONSES)
    with store.scratch_for(rel) as scratch:
        try:
            pq.write_table(checked, scratch, compression="zstd")
        except pa.ArrowInvalid as e:
            raise StoreError("the part does not fit its schema.", where=rel) from e
        return store.adopt_if_absent(scratch, rel)


def write_part_in_pieces(store: Store, run_id: str, unit: str, pieces: Iterable[pa.Table]) -> bool:
    """As `write_part`, a row group for each piece: memory holds one of them."""
    rel = run_paths.part(run_id, unit)
    with store.scratch_for(rel) as scratch:
        try:
            with pq.ParquetWriter(scratch, tables.RESPONSES, compression="zstd") as writer:
                for piece in pieces:
                    writer.write_table(piece.cast(tables.RESPONSES))
        except pa.ArrowInvalid as e:
            raise StoreError("the part does not fit its schema.", where=rel) from e
        return store.adopt_if_absent(scratch, rel)


def read_part(store: Store, run_id: str, unit: str, columns: list[str] | None = None) -> pa.Table:
    """A landed part.

    Raises:
        StoreError: missing or damaged. FormatError: another format.
    """
    return read_table(store, run_paths.part(run_id, unit), columns)


def read_table(store: Store, rel: str, columns: list[str] | None = None) -> pa.Table:
    """A Parquet file of a run, format checked."""
    with open_table(store, rel) as file:
        try:
            return file.read(columns=columns)
        except (pa.ArrowInvalid, OSError) as e:
            raise _damaged(store, rel) from e


def open_table(store: Store, rel: str) -> pq.ParquetFile:
    """A Parquet file opened for reading in pieces, format checked."""
    try:
        file = pq.ParquetFile(store.fetched(rel))
    except FileNotFoundError as e:
        raise StoreError("the file is not there.", where=store.where(rel)) from e
    except (pa.ArrowInvalid, OSError) as e:
        raise _damaged(store, rel) from e
    found = (file.schema_arrow.metadata or {}).get(tables.FORMAT_KEY, b"")
    if found != str(tables.FORMAT_NO).encode():
        file.close()
        raise FormatError(
            f"format {found.decode()!r} is not one this version reads ({tables.FORMAT_NO}).",
            where=store.where(rel),
        )
    return file


def landed_units(store: Store, run_id: str) -> set[str]:
    """Units that have a part."""
    units = (run_paths.unit_of_part(name) for name in store.names(run_paths.responses_dir(run_id)))
    return {unit for unit in units if unit is not None}


def _damaged(store: Store, rel: str) -> StoreError:
    return StoreError(
        "the file is damaged.",
        where=store.where(rel),
        hint="If it is a part, move it away and `nightpoll resume`: its answers are bought again.",
    )
