"""A run that is pruned and planned again under its name on another host, seen by processes that knew the first one."""

import asyncio

import pytest
from celery import Celery

from cli.opening import checked_study, plan_into_staging
from schemas.settings import Settings
from storage.runs import append_event, load_manifest, publish_run
from storage.store import open_store
from tests.support.object_services import s3_service
from tests.support.studies import write_study
from workers import connection
from workers.calls.requests import load_shard
from workers.keeper import Keeper
from workers.manifests import Manifests
from workers.shards.node import Node


@pytest.fixture(scope="module", params=["folder", "s3"])
def place(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        yield str(folder / "runs"), {}
    else:
        with s3_service(folder / "log") as service:
            yield service.uri, service.environ()


@pytest.fixture
def host(place, request, tmp_path, monkeypatch):
    """Opens the store of the test as a host of this name sees it."""
    uri, environ = place
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return lambda name: open_store(f"{uri}/{request.node.originalname[-40:]}", tmp_path / name)


@pytest.fixture
def plan(host, tmp_path):
    """Removes the run r, if there is one, and plans it again, on a host of its own."""

    def plan(salt, *events):
        store = host(f"planner-{salt}")
        if store.exists("r/run.json"):
            store.remove_folder("r", first="run.json", aside=".nightpoll/trash/r")
        study = write_study(tmp_path / salt, "http://127.0.0.1:9/v1", n_respondents=12, salt=salt, name=salt)
        checked = checked_study(study, Settings(store=store.uri), {})
        assert publish_run(store, plan_into_staging(store, checked, run_id="r", pilot=None).staging, "r")
        for kind in events:
            append_event(store, "r", kind)
        return [request.request_id for request in load_shard(store, "r", 0).requests]

    return plan


def test_worker_that_knew_the_first_one_asks_the_second_ones_requests(host, plan, redis_url):
    async def work():
        seen = []
        node = Node(Settings(), host("worker"), connection.on_loop(redis_url), {})
        for salt in ("first", "second"):
            wanted = await asyncio.to_thread(plan, salt)
            node.look_at("r")
            asked = [request.request_id for request in load_shard(node.store, "r", 0).requests]
            seen.append((asked == wanted, node._run("r").study.study, node.model_of_shard("r", 0)))
        await node.close()
        return seen

    assert asyncio.run(work()) == [(True, "first", "mini"), (True, "second", "mini")]


def test_reader_that_knew_the_first_one_reads_the_second_one_soon(host, plan, monkeypatch):
    reader, names = host("reader"), []
    monkeypatch.setattr("storage.objects.lives.SURE_S", 0.0)
    manifests = Manifests(reader)
    for salt in ("first", "second"):
        plan(salt)
        names += [manifests.of("r").study.study, load_manifest(reader, "r").study.study]

    assert names == ["first", "first", "second", "second"]


def test_keeper_looks_at_the_second_one_though_it_has_as_many_events_as_the_first_had(host, plan, redis_url):
    keeper = Keeper(host("keeper"), connection.plain(redis_url), Celery())
    plan("first", "opened", "finished")
    assert not keeper._open_runs()
    assert keeper._resting

    plan("second", "opened", "resumed")
    keeper._news._looked_s = None  # a minute later, or the bell was heard

    assert list(keeper._open_runs()) == ["r"]


def test_part_of_the_first_one_does_not_count_as_landed_in_the_second_one(host, plan):
    worker = host("worker")
    plan("first")
    worker.put_if_absent("r/responses/part-s00000.parquet", b"an answer")
    assert worker.exists("r/responses/part-s00000.parquet")

    plan("second")
    worker.run_life("r", anew=True)

    assert not worker.exists("r/responses/part-s00000.parquet")
