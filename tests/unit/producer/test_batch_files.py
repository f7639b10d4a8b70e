import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from producer.batch.files import BatchFile, halve_batch_file, write_batch_files
from producer.batch.pack import BatchLimits
from producer.batch.spelling import BatchSpec
from schemas import run_paths, tables
from schemas.errors import OversizedRequestError, StoreError
from storage.store import open_store
from tests.support.plans import make_run

SPEC = BatchSpec(model="mini", wire_name="mini-batch", url="/v1/chat/completions")


@pytest.fixture
def plan_path(tmp_path) -> Path:
    store = open_store(str(tmp_path / "runs"))
    make_run(store, "run-1", n=12)
    return store.path(run_paths.plan("run-1"))


@pytest.fixture
def out_dir(tmp_path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def write(plan_path, out_dir, spec=SPEC, *, wanted=lambda _: True, **limits) -> list[BatchFile]:
    return list(write_batch_files(plan_path, out_dir, spec, wanted=wanted, limits=BatchLimits(**limits)))


def lines(file: BatchFile) -> list[dict]:
    return [json.loads(raw) for raw in file.path.read_bytes().split(b"\n")[:-1]]


def plan_rows(plan_path) -> list[dict]:
    return pq.read_table(plan_path).to_pylist()


def change_plan(plan_path, rows) -> None:
    table = pq.read_table(plan_path).schema.empty_table().from_pylist(rows, schema=tables.PLAN)
    pq.write_table(table, plan_path)


def test_line_is_the_planned_request_under_the_call_id_and_the_wire_name(plan_path, out_dir):
    [file] = write(plan_path, out_dir)

    row, line = plan_rows(plan_path)[0], lines(file)[0]
    assert line == {
        "custom_id": f"{row['request_id']}.0",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "mini-batch", "messages": json.loads(row["turns"])[0], **json.loads(row["parameters"])},
    }


def test_every_request_is_written_once_in_plan_order(plan_path, out_dir):
    files = write(plan_path, out_dir, max_lines=5)

    rows = plan_rows(plan_path)
    ids = [line["custom_id"] for file in files for line in lines(file)]
    assert ids == [f"{row['request_id']}.0" for row in rows]
    assert [file.n_lines for file in files] == [5, 5, 5, 5, 4]
    assert sum(file.n_tokens for file in files) == sum(row["prompt_tokens"] for row in rows)


def test_file_is_described_as_it_lies_on_the_disk(plan_path, out_dir):
    for file in write(plan_path, out_dir, max_lines=7):
        data, found = file.path.read_bytes(), lines(file)

        assert (file.n_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert (file.first_id, file.last_id) == (found[0]["custom_id"], found[-1]["custom_id"])
        assert file.path.stat().st_mode & 0o777 == 0o600
        assert not data.startswith(b"\xef\xbb\xbf")


def test_two_passes_write_the_same_bytes(plan_path, out_dir):
    first = [file.sha256 for file in write(plan_path, out_dir, max_bytes=2_000)]

    assert [file.sha256 for file in write(plan_path, out_dir, max_bytes=2_000)] == first
    assert len(first) > 1


def test_only_wanted_requests_are_written(plan_path, out_dir):
    keep = {row["request_id"] for row in plan_rows(plan_path)[::3]}

    [file] = write(plan_path, out_dir, wanted=keep.__contains__)

    assert {line["custom_id"] for line in lines(file)} == {f"{each}.0" for each in keep}


def test_nothing_wanted_writes_nothing(plan_path, out_dir):
    assert write(plan_path, out_dir, wanted=lambda _: False) == []
    assert list(out_dir.iterdir()) == []


def test_other_models_are_left_out(plan_path, out_dir):
    assert write(plan_path, out_dir, BatchSpec(model="other", wire_name="x", url="/x")) == []


def test_characters_that_some_readers_take_for_line_ends_are_escaped(plan_path, out_dir):
    rows = plan_rows(plan_path)
    messages = [[{"role": "user", "content": "a\u2028b\u0085c\u2029d\ne ü"}]]
    change_plan(plan_path, [rows[0] | {"turns": json.dumps(messages, ensure_ascii=False)}])

    [file] = write(plan_path, out_dir)

    text = file.path.read_text("utf-8")
    assert len(text.splitlines()) == 1
    assert "ü" in text
    assert lines(file)[0]["body"]["messages"] == messages[0]


def test_null_parameters_are_not_sent(plan_path, out_dir):
    rows = plan_rows(plan_path)
    change_plan(plan_path, [rows[0] | {"parameters": '{"seed":null,"temperature":0}'}])

    [file] = write(plan_path, out_dir)

    assert set(lines(file)[0]["body"]) == {"model", "messages", "temperature"}


def test_request_that_stands_twice_in_the_plan_is_refused_and_leaves_no_file(plan_path, out_dir):
    rows = plan_rows(plan_path)
    change_plan(plan_path, [rows[0], rows[1], rows[0]])

    with pytest.raises(StoreError, match="twice"):
        write(plan_path, out_dir)
    assert list(out_dir.iterdir()) == []


def test_stopping_early_keeps_whole_files_only(plan_path, out_dir):
    files = write_batch_files(plan_path, out_dir, SPEC, wanted=lambda _: True, limits=BatchLimits(max_lines=5))
    first = next(files)
    files.close()

    assert list(out_dir.iterdir()) == [first.path]


def test_line_larger_than_a_file_is_refused(plan_path, out_dir):
    with pytest.raises(OversizedRequestError):
        write(plan_path, out_dir, max_bytes=100)
    assert list(out_dir.iterdir()) == []


def test_damaged_plan_and_missing_folder_are_told_in_one_line(plan_path, out_dir, tmp_path):
    with pytest.raises(StoreError):
        write(plan_path, tmp_path / "none")
    plan_path.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="damaged"):
        write(plan_path, out_dir)


def test_halves_hold_the_same_lines_in_order(plan_path, out_dir):
    [whole] = write(plan_path, out_dir)

    halves = halve_batch_file(whole, out_dir, prefix="half")

    assert b"".join(half.path.read_bytes() for half in halves) == whole.path.read_bytes()
    assert [half.n_lines for half in halves] == [12, 12]
    assert 0 <= sum(half.n_tokens for half in halves) - whole.n_tokens <= 24
    assert halves[1].first_id == lines(whole)[12]["custom_id"]


def test_single_request_cannot_be_halved(plan_path, out_dir):
    [file, *_] = write(plan_path, out_dir, max_lines=1)

    with pytest.raises(ValueError, match="one request"):
        halve_batch_file(file, out_dir, prefix="half")
