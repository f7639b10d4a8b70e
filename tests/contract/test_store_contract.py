"""What every kind of store keeps: a folder, S3 (moto's server over HTTP), Azure Blob storage (Azurite)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from schemas.errors import SettingsError, StoreAwayError, StoreError
from schemas.overnight import QueueEntry
from schemas.tuning import RegisteredModel
from storage.news import News
from storage.objects import bucket
from storage.runs import append_event, load_events
from storage.store import open_store
from storage.tuning_records import change_registry, load_registry
from tests.support.cli_runs import CommandLine
from tests.support.object_services import blob_service, s3_service
from workers.nights.entries import change_queue, read_queue

KINDS = ["folder", "s3", pytest.param("blob", marks=pytest.mark.accept)]


@pytest.fixture(scope="module", params=KINDS)
def place(request, tmp_path_factory):
    """(kind, address, variables) of a store; each test takes a prefix of its own."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        yield request.param, str(folder / "runs"), {}
    elif request.param == "s3":
        with s3_service(folder / "log") as service:
            yield request.param, service.uri, service.environ()
    else:
        with blob_service(folder / "log", folder) as service:
            yield request.param, service.uri, service.environ()


@pytest.fixture
def opened(place, request, tmp_path, monkeypatch):
    """Opens the test's own store as a host of this name sees it."""
    _, uri, environ = place
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda host="a": open_store(f"{uri}/{request.node.originalname[:60]}", tmp_path / host)


def test_name_that_is_taken_keeps_the_first_content(opened):
    store, other = opened("a"), opened("b")

    assert store.put_if_absent("run/events/1.json", b"first")
    assert not other.put_if_absent("run/events/1.json", b"second")
    assert other.read_bytes("run/events/1.json") == store.read_bytes("run/events/1.json") == b"first"
    assert other.names("run") == ["events"]
    assert other.exists("run/events/1.json")
    assert not other.exists("run/events/2.json")


def test_replacing_needs_the_tag_that_was_read(opened):
    store, rel = opened(), "run/batches/000001.json"

    assert store.replace_if_match(rel, b"one", None)
    assert not store.replace_if_match(rel, b"other", None)
    first = store.read_tagged(rel)
    assert store.replace_if_match(rel, b"two", first.tag)
    assert not store.replace_if_match(rel, b"late", first.tag)
    assert store.read_bytes(rel) == b"two"


def test_what_is_replaced_is_seen_new_on_another_host(opened):
    writer, reader, rel = opened("a"), opened("b"), "run/predictions.parquet"
    for content in (b"old", b"new"):
        with writer.writing(rel) as scratch:
            scratch.write_bytes(content)
        assert reader.fetched(rel).read_bytes() == content
    assert reader.fetched(rel).read_bytes() == b"new"  # unchanged: the copy serves


def test_removed_file_is_gone_everywhere(opened):
    store, other = opened("a"), opened("b")
    store.put_if_absent(".nightpoll/things/1.json", b"{}")
    other.remove(".nightpoll/things/1.json")
    other.remove(".nightpoll/things/1.json")

    assert store.names(".nightpoll/things") == []
    with pytest.raises(StoreError, match="not there"):
        store.read_bytes(".nightpoll/things/1.json")


def test_folder_counts_when_its_last_file_is_there_and_only_once(opened):
    store, other = opened("a"), opened("b")
    for each, content in ((store, b"first"), (other, b"second")):
        for name in ("run.json", "plan.parquet"):
            path = each.path(f".nightpoll/staging/{content.decode()}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    assert store.publish_folder(".nightpoll/staging/first", "run", last="run.json")
    assert not other.publish_folder(".nightpoll/staging/second", "run", last="run.json")
    assert other.fetched("run/plan.parquet").read_bytes() == b"first"
    with other.fetched_folder("run") as folder:
        assert (folder / "run.json").read_bytes() == b"first"
    other.remove_folder("run", first="run.json", aside=".nightpoll/trash/x")
    assert store.names("run") == []


def test_copies_of_a_run_that_was_planned_again_are_dropped(place, opened):
    if place[0] == "folder":
        return  # keeps no copies
    for content in (b"first", b"second"):
        planner = opened("planner")
        path = planner.path(".nightpoll/staging/x/run.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.with_name("plan.parquet").write_bytes(content)
        planner.publish_folder(".nightpoll/staging/x", "run", last="run.json")
        assert opened("worker").fetched("run/plan.parquet").read_bytes() == content
        planner.remove_folder("run", first="run.json", aside=".nightpoll/trash/x")


def test_new_run_holds_nothing_of_one_whose_removal_died_halfway(place, opened):
    if place[0] == "folder":
        return  # a folder is moved aside as a whole
    store = opened()
    for name in ("events/1.json", "responses/part-s00000.parquet", "journal/s00000.a-1.jsonl"):
        store.put_if_absent(f"run/{name}", b"of a run whose run.json was removed")
    path = store.path(".nightpoll/staging/x/run.json")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"new")
    path.with_name("plan.parquet").write_bytes(b"new")

    assert store.publish_folder(".nightpoll/staging/x", "run", last="run.json")
    assert store.names("run") == ["plan.parquet", "run.json"]


def entry(writer: int) -> QueueEntry:
    at = datetime.now(UTC)
    return QueueEntry(id=str(writer), study="/s/study.yaml", name="s", run_id=f"s-{writer}", added_at=at)


def test_no_update_of_registry_or_queue_is_lost_among_twenty_writers(opened):
    """Each registers a model and adds an entry; all of them meet in both documents."""

    def add(writer: int) -> None:
        store = opened(f"host{writer}")
        change_registry(
            store, lambda found: found.model_copy(update={"models": found.models | {f"m{writer}": RegisteredModel()}})
        )
        change_queue(store, lambda queue: queue.model_copy(update={"entries": [*queue.entries, entry(writer)]}))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(20)))

    reader = opened("reader")
    assert {int(entry.id) for entry in read_queue(reader).entries} == set(range(20))
    assert len(load_registry(reader).models) == 20


def test_write_whose_answer_was_lost_knows_its_own_object_when_it_tries_again(place, opened, monkeypatch):
    if place[0] == "folder":
        return  # nothing lies between us and the disk
    store, rel, send = opened(), "run/batches/000001.json", bucket.obstore.put

    def sent_twice(*arguments, **options):
        send(*arguments, **options)
        return send(*arguments, **options)

    monkeypatch.setattr(bucket.obstore, "put", sent_twice)

    assert store.put_if_absent(rel, b"one")
    assert store.replace_if_match(rel, b"two", store.read_tagged(rel).tag)
    assert not store.put_if_absent(rel, b"two")


def test_events_of_two_hosts_are_read_in_order(opened):
    kinds = ["opened", "paused", "resumed"]
    for kind, host in zip(kinds, "aba", strict=True):
        append_event(opened(host), "run", kind)

    assert [event.kind for event in load_events(opened("c"), "run")] == kinds


def test_event_rings_the_bell_that_other_hosts_hear(place, opened):
    if place[0] == "folder":
        return  # looks are free
    news = News(opened("a"))
    news.is_any()
    assert not news.is_any()
    append_event(opened("b"), "run", "paused")

    assert news.is_any()


def test_service_that_is_not_there_is_said_without_its_address(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-that-nobody-may-see")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-nobody-may-see")

    with pytest.raises(StoreAwayError, match="nobody answers") as told:
        open_store("s3://surveys/lab", tmp_path)
    assert "nobody-may-see" not in f"{told.value}{told.value.__cause__}"
    assert told.value.where == "s3://surveys/lab"


def test_command_that_needs_workers_wants_a_redis_of_all_machines(place, opened, tmp_path, monkeypatch, capsys):
    if place[0] == "folder":
        return  # has a server of its own
    monkeypatch.setenv("NIGHTPOLL_STORE", opened().uri)
    monkeypatch.setenv("NIGHTPOLL_CACHE", str(tmp_path / "cache"))

    said = CommandLine(capsys)("run", tmp_path, "--yes")

    assert said.code == 2
    assert "NIGHTPOLL_REDIS_URL" in said.err


@pytest.mark.parametrize(
    "uri",
    [
        "s3://key:secret@surveys/lab",
        "s3://surveys/lab?token=abc",
        "gs://surveys/lab",
        "abfs://surveys/lab",
        "s3://b/../c",
    ],
)
def test_address_that_is_wrong_or_holds_a_key_is_refused_and_not_repeated(uri, tmp_path):
    with pytest.raises(SettingsError) as told:
        open_store(uri, tmp_path)
    assert "secret" not in str(told.value)
    assert "abc" not in str(told.value)


def test_endpoint_in_the_open_is_refused_unless_it_is_on_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://objects.example.org")

    with pytest.raises(SettingsError, match="http"):
        open_store("s3://surveys/lab", tmp_path)
