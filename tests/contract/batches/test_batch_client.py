"""Files and batches in all profiles: the openai package's own client works."""

import openai
import pytest

from tests.support.batches import create, ended, input_lines, line_url, lines_of, sdk, upload
from tests.support.until import until


def test_client_uploads_creates_polls_and_downloads(service):
    profile, _, client = service
    batch = create(client, input_lines(profile), profile=profile, metadata={"run": "r1"})
    assert (batch.status, batch.metadata, bool(batch.output_file_id)) == ("validating", {"run": "r1"}, False)

    over = ended(client, batch.id)

    assert over.status == "completed"
    assert (over.request_counts.total, over.request_counts.completed) == (5, 5)
    assert {line["custom_id"] for line in lines_of(client, over.output_file_id)} == {f"r{n}.0" for n in range(5)}
    assert (over.error_file_id is None) == (profile == "openai")
    assert lines_of(client, over.error_file_id) == []


def test_cancelled_batch_ends_as_cancelled(service):
    profile, running, client = service
    running.set_batch_faults(validating_s=1e9)
    batch = create(client, input_lines(profile), profile=profile)
    running.set_batch_faults()

    assert client.batches.cancel(batch.id).status == "cancelling"
    assert ended(client, batch.id).status == "cancelled"


def test_client_pages_through_batches_and_files(service):
    profile, _, client = service
    made = [create(client, input_lines(profile), profile=profile) for _ in range(3)]

    batches = [batch.id for batch in client.batches.list(limit=2)]
    files = [file.id for file in client.files.list(limit=2)]

    assert {batch.id for batch in made} <= set(batches)
    assert {batch.input_file_id for batch in made} <= set(files)
    assert len(batches) == len(set(batches))
    assert len(files) == len(set(files))


def test_client_lists_all_files_where_the_version_knows_no_pages(service):
    profile, running, client = service
    if profile != "azure":
        return
    file_id = upload(client, input_lines(profile))
    with sdk(running, profile, version="2024-10-21") as older:
        files = [file.id for file in older.files.list(limit=1)]

    assert file_id in files
    assert len(files) == len(set(files))


def test_client_deletes_a_file_once(service):
    profile, _, client = service
    file_id = upload(client, input_lines(profile))

    assert client.files.delete(file_id).deleted
    for again in (client.files.delete, client.files.retrieve, client.files.content):
        with pytest.raises(openai.NotFoundError):
            again(file_id)


def test_client_reads_back_the_bytes_it_uploaded(service):
    client = service[2]
    content = "ü\u2028\r\n--x\r\n".encode() * 100_000

    assert client.files.content(upload(client, content)).content == content


def test_unprocessed_file_starts_no_batch_on_azure(service):
    profile, running, client = service
    running.set_batch_faults(file_pending_s=600)
    file = client.files.create(file=("in.jsonl", input_lines(profile)), purpose="batch")
    running.set_batch_faults()

    assert file.status == "pending"
    with pytest.raises(openai.BadRequestError):
        client.batches.create(input_file_id=file.id, endpoint=line_url(profile), completion_window="24h")
    until(lambda: client.files.retrieve(file.id).status == "processed")


@pytest.mark.parametrize("spelling", ["expires_after[{}]", "expires_after.{}"])
def test_expiry_is_taken_in_both_spellings_and_shown(service, raw, spelling):
    day = 86_400
    data = {"purpose": "batch", spelling.format("anchor"): "created_at", spelling.format("seconds"): str(14 * day)}
    body = raw.post("/files", files={"file": ("in.jsonl", b"{}")}, data=data).json()

    assert body["expires_at"] - body["created_at"] == 14 * day
