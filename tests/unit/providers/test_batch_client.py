"""The batch client against a running emulator, in every profile."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from itertools import chain

import pytest

from providers.batch_client import BatchClient, open_batch_client
from providers.batch_lines import account, read_lines, sent_ids
from providers.batch_urls import create_endpoint, line_url
from schemas.errors import RejectedRequestError, ServiceRefusedError, StoreError, TransientModelError
from schemas.models import BatchDeployment, Model
from tests.support.batches import FAST, PROFILES, jsonl, make_line
from tests.support.emulator import TestEmulator, running_emulator

KEY = "k-0123456789abcdef"


@pytest.fixture(scope="module", params=PROFILES)
def service(request: pytest.FixtureRequest) -> Iterator[tuple[str, TestEmulator]]:
    limits = {"enqueued_tokens": 2_000, "token_refusal": "create"}
    with running_emulator(profile=request.param, keys=(KEY,), batch_speed=FAST, batch=limits) as running:
        yield request.param, running


@pytest.fixture
async def client(service: tuple[str, TestEmulator]) -> AsyncIterator[BatchClient]:
    service[1].set_batch_faults()
    made = make_client(*service)
    yield made
    await made.close()


def make_client(profile: str, emulator: TestEmulator, *, key: str = KEY, url: str | None = None) -> BatchClient:
    base_url = emulator.base_url if url is None else url
    deployment = BatchDeployment(name="here", base_url=base_url, deployment="gpt-4.1-mini", api_key_env="K")
    version = "2025-04-01-preview" if profile == "azure" else None
    model = Model(provider=profile, model="gpt-4.1-mini", api_version=version, deployments=[deployment])
    return open_batch_client(model, deployment, environ={"K": key})


@pytest.fixture
def input_path(tmp_path, service):
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([make_line(n, profile=service[0]) for n in range(20)]))
    return path


async def uploaded(client: BatchClient, path, **more) -> str:
    file = await client.upload(path, **more)
    for _ in range(500):
        if (await client.file(file.id)).is_ready:
            return file.id
        await asyncio.sleep(0.01)
    raise AssertionError("the file was not processed")


async def over(client: BatchClient, batch_id: str):
    for _ in range(500):
        batch = await client.batch(batch_id)
        if batch.is_over:
            return batch
        await asyncio.sleep(0.01)
    raise AssertionError("the batch did not end")


async def created(client: BatchClient, path, name: str = "b"):
    return await client.create(await uploaded(client, path), metadata={"nightpoll_batch": name})


async def test_batch_goes_from_file_to_lines_and_every_id_is_answered(client, input_path, tmp_path):
    batch = await over(client, (await created(client, input_path)).id)

    n_bytes = await client.download(batch.output_file_id, tmp_path / "out.jsonl")

    assert n_bytes == (tmp_path / "out.jsonl").stat().st_size
    found = account(sent_ids(input_path), read_lines(tmp_path / "out.jsonl"))
    assert (batch.status, dict(found.kinds), found.n_missing) == ("completed", {"ok": 20}, 0)


async def test_both_files_together_tell_of_every_id(client, service, input_path, tmp_path):
    service[1].set_batch_faults(
        repeated_lines=0.3, misfiled_lines=0.3, response_null=0.2, blank_lines=0.3, unknown_fields=True
    )
    batch = await over(client, (await created(client, input_path)).id)

    paths = []
    for name, file_id in (("out", batch.output_file_id), ("err", batch.error_file_id)):
        if file_id is not None:
            paths.append(tmp_path / name)
            await client.download(file_id, paths[-1])
    found = account(sent_ids(input_path), chain.from_iterable(map(read_lines, paths)))

    assert found.kinds["ok"] + found.kinds["failed"] == 20
    assert found.kinds["failed"] > 0
    assert found.n_repeated > 0


async def test_upload_keeps_bytes_name_and_expiry(client, service, tmp_path, input_path):
    file = await client.upload(input_path, filename="run-1.jsonl")
    assert (file.filename, file.expires_at - file.created_at) == ("run-1.jsonl", 14 * 86_400)
    await client.download(file.id, tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == input_path.read_bytes()


async def test_large_upload_is_not_held_in_memory(client, tmp_path):
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    tracemalloc.start()

    await client.upload(path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


async def test_batches_and_files_are_listed_over_pages(client, service, input_path, monkeypatch):
    monkeypatch.setattr("providers.rest_client._PAGE", 2)
    made = [await created(client, input_path, f"page {n}") for n in range(3)]

    batches = [batch async for batch in client.batches()]
    files = [file.id async for file in client.files()]

    ids = [batch.id for batch in batches]
    assert len(ids) == len(set(ids))
    assert {batch.metadata.get("nightpoll_batch") for batch in batches} >= {"page 0", "page 1", "page 2"}
    assert {batch.input_file_id for batch in made} <= set(files)


async def test_cancel_may_be_asked_for_twice_and_after_the_end(client, service, input_path):
    service[1].set_batch_faults(validating_s=1e9)
    batch = await created(client, input_path)
    first = await client.cancel(batch.id)
    await client.cancel(batch.id)

    assert first.status == "cancelling"
    assert (await over(client, batch.id)).status == "cancelled"
    assert (await client.cancel(batch.id)).status == "cancelled"


async def test_deleting_a_file_twice_says_that_it_was_gone(client, input_path):
    file_id = await uploaded(client, input_path)

    assert await client.delete_file(file_id) is True
    assert await client.delete_file(file_id) is False


async def test_what_is_not_there_is_not_found(client, tmp_path):
    for call in (
        client.file("file-x"),
        client.batch("batch_x"),
        client.create("file-x", metadata={}),
        client.download("file-x", tmp_path / "x"),
    ):
        with pytest.raises(RejectedRequestError) as caught:
            await call
        assert (caught.value.code, caught.value.http_status) == ("not_found", 404)


async def test_full_queue_is_worth_another_try_and_created_nothing(client, service, input_path):
    service[1].set_batch_faults(validating_s=1e9)
    first = await created(client, input_path)
    file_id = await uploaded(client, input_path)
    before = service[1].batches()["created"]

    async def create_many():
        for _ in range(9):
            await client.create(file_id, metadata={})

    with pytest.raises(TransientModelError) as caught:
        await create_many()
    made = service[1].batches()["created"] - before
    async for batch in client.batches():
        if not batch.is_over:
            await client.cancel(batch.id)

    assert (caught.value.code, caught.value.maybe_paid) == ("token_limit_exceeded", False)
    assert made < 9
    assert (await over(client, first.id)).status == "cancelled"


@pytest.mark.parametrize(
    ("fault", "was_made"),
    [("cut_before_create", 0), ("cut_after_create", 1), ("error_after_create", 1)],
)
async def test_create_without_an_answer_may_have_been_accepted(client, service, input_path, fault, was_made):
    file_id = await uploaded(client, input_path)
    service[1].set_batch_faults(**{fault: 1})
    before = service[1].batches()["created"]

    with pytest.raises(TransientModelError) as caught:
        await client.create(file_id, metadata={"nightpoll_batch": fault})

    assert caught.value.maybe_paid
    assert service[1].batches()["created"] - before == was_made
    listed = [batch async for batch in client.batches() if batch.metadata == {"nightpoll_batch": fault}]
    assert len(listed) == was_made


async def test_upload_without_an_answer_may_have_been_accepted(client, service, input_path):
    service[1].set_batch_faults(cut_after_upload=1)

    with pytest.raises(TransientModelError) as caught:
        await client.upload(input_path, filename="orphan.jsonl")

    assert caught.value.maybe_paid
    assert [file.filename async for file in client.files()].count("orphan.jsonl") == 1


async def test_broken_download_raises_and_the_next_one_is_whole(client, service, tmp_path, input_path):
    file_id = await uploaded(client, input_path)
    service[1].set_batch_faults(cut_download=1)
    path = tmp_path / "back"

    with pytest.raises(TransientModelError) as caught:
        await client.download(file_id, path)
    await client.download(file_id, path)

    assert not caught.value.maybe_paid
    assert path.read_bytes() == input_path.read_bytes()


async def test_wrong_key_is_refused_and_never_shown(service):
    wrong = make_client(*service, key="wrong-0123456789abcdef")
    with pytest.raises(ServiceRefusedError) as caught:
        await wrong.batch("batch_x")
    await wrong.close()

    assert "0123456789" not in str(caught.value)


async def test_unreachable_service_is_sure_to_have_made_nothing(service, input_path):
    nobody = make_client(*service, url="http://127.0.0.1:9/v1")
    with pytest.raises(TransientModelError) as caught:
        await nobody.create("file-1", metadata={})
    await nobody.close()

    assert (caught.value.code, caught.value.maybe_paid) == ("unreachable", False)
    assert "The service at 127.0.0.1:9 cannot be reached" in caught.value.what


async def test_missing_or_unwritable_path_is_trouble_of_ours(client, tmp_path, input_path):
    with pytest.raises(StoreError):
        await client.upload(tmp_path / "none.jsonl")
    with pytest.raises(StoreError):
        await client.download(await uploaded(client, input_path), tmp_path / "no" / "folder")


async def test_failed_batch_says_why(client, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"{}\n")
    batch = await over(client, (await created(client, path)).id)

    assert (batch.status, batch.problems[0].line) == ("failed", 1)


@pytest.mark.parametrize(
    ("provider", "url", "endpoint"),
    [
        ("openai", "/v1/chat/completions", "/v1/chat/completions"),
        ("azure_v1", "/v1/chat/completions", "/chat/completions"),
        ("azure", "/chat/completions", "/chat/completions"),
    ],
)
def test_urls_are_spelled_as_each_provider_documents_them(provider, url, endpoint):
    assert (line_url(provider), create_endpoint(provider)) == (url, endpoint)
