"""Microsoft's example payloads of files and batches, read by our client's own readers."""

import json
from pathlib import Path
from typing import Any

from providers.batch_objects import RequestCounts, read_batch, read_file

FOLDER = Path(__file__).parent / "openapi" / "examples"


def example(name: str, status: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["responses"][status]["body"]


def test_created_batch_has_no_files_yet():
    batch = read_batch(example("post_batch", "201"))

    assert (batch.id, batch.status) == ("batch_72a2792ef7d24ba7b82c7fe4a37e379f", "validating")
    assert (batch.output_file_id, batch.error_file_id, batch.problems) == (None, None, ())
    assert batch.metadata == {"batch_description": "Evaluation job"}
    assert batch.counts == RequestCounts(0, 0, 0)
    assert not batch.is_over


def test_batch_on_blob_storage_has_no_input_file():
    batch = read_batch(example("post_batch_blob", "201"))

    assert (batch.input_file_id, batch.status) == (None, "validating")


def test_listed_batch_is_over_with_both_files_and_its_counts():
    [batch] = [read_batch(each) for each in example("get_batches", "200")["data"]]

    assert (batch.is_over, batch.ended_at) == (True, 1646126136)
    assert batch.output_file_id == "file-f2ddaf43-b48b-46dd-b264-90da10c7a85b"
    assert batch.error_file_id == "file-c3b563b0-ebc7-47da-93e3-a2fa694aef0c"
    assert batch.counts == RequestCounts(500, 400, 100)


def test_uploaded_file_is_pending_and_tells_no_size():
    file = read_file(example("upload_file", "201"))

    assert (file.status, file.n_bytes, file.is_ready, file.is_broken) == ("pending", None, False, False)


def test_listed_files_are_ready():
    files = [read_file(each) for each in example("get_files", "200")["data"]]

    assert [(file.filename, file.n_bytes, file.is_ready) for file in files] == [
        ("puppy.jsonl", 140, True),
        ("results.csv", 32423, True),
    ]
