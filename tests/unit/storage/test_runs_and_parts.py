from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import run_paths, tables
from schemas.errors import FormatError, StoreError, UserInputError
from schemas.events import Event
from storage.parts import landed_units, read_part, write_part
from storage.runs import append_event, load_events, load_manifest, load_state
from storage.store import Store


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def part_table(n: int) -> pa.Table:
    columns = {f.name: pa.nulls(n, f.type) if f.nullable else _filled(f, n) for f in tables.RESPONSES}
    return pa.table(columns, schema=tables.RESPONSES)


def _filled(field: pa.Field, n: int) -> pa.Array:
    value = {"turns": ["1"], "created_at": 0}.get(field.name, "x" if field.type == pa.string() else 0)
    return pa.array([value] * n, field.type)


def test_first_holder_lands_the_part(store):
    assert write_part(store, "r", "s000001", part_table(3))
    assert not write_part(store, "r", "s000001", part_table(5))
    assert read_part(store, "r", "s000001").num_rows == 3
    assert landed_units(store, "r") == {"s000001"}


def test_damaged_part_is_said(store):
    write_part(store, "r", "s000001", part_table(3))
    path = store.path(run_paths.part("r", "s000001"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match="damaged"):
        read_part(store, "r", "s000001")


def test_part_of_another_format_is_refused(store):
    path = store.path(run_paths.part("r", "s000001"))
    path.parent.mkdir(parents=True)
    pq.write_table(part_table(1).replace_schema_metadata({tables.FORMAT_KEY: b"99"}), path)
    with pytest.raises(FormatError, match="99"):
        read_part(store, "r", "s000001")


def test_event_of_a_host_whose_clock_is_behind_sorts_after_what_was_there(store):
    ahead = datetime.now(UTC) + timedelta(hours=1)
    folder = run_paths.events_dir("r")
    paused = Event(id="ffffffffffff", at=ahead, kind="paused")
    store.put_if_absent(f"{folder}/{ahead:%Y%m%dT%H%M%S%f}-ffffffffffff.json", paused.model_dump_json().encode())

    events = [append_event(store, "r", "resumed"), append_event(store, "r", "paused")]

    assert [event.kind for event in load_events(store, "r")] == ["paused", "resumed", "paused"]
    assert ahead < events[0].at < events[1].at
    assert load_state(store, "r").phase == "paused"


def test_events_fold_in_order(store):
    for kind in ("opened", "paused", "resumed"):
        append_event(store, "r", kind)
    assert [e.kind for e in load_events(store, "r")] == ["opened", "paused", "resumed"]
    assert load_state(store, "r").phase == "running"


def test_cancelled_run_stays_cancelled(store):
    for kind in ("opened", "cancelled", "resumed", "finished"):
        append_event(store, "r", kind)
    assert load_state(store, "r").phase == "cancelled"


def test_unknown_run_names_the_ones_there_are(store):
    with pytest.raises(UserInputError, match="no run 'nope'"):
        load_manifest(store, "nope")


@pytest.mark.parametrize("run_id", ["../x", "a/b", ".hidden", "", "a..b"])
def test_run_id_cannot_leave_the_store(store, run_id):
    with pytest.raises(UserInputError):
        load_manifest(store, run_id)
