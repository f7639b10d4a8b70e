"""Batches of a run whose store is a bucket: two hosts in turn work them off from what lies there alone."""

from pathlib import Path

import pytest

from storage.store import open_store
from tests.support.batch_desk import BatchDesk, batch_desk
from tests.support.emulator import running_emulator
from tests.support.object_services import s3_service


@pytest.mark.accept
def test_another_host_goes_on_with_a_batch_and_buys_nothing_twice(tmp_path, monkeypatch):
    with s3_service(tmp_path / "log") as service, running_emulator(batch_speed=2000.0) as shop:
        for name, value in service.environ().items():
            monkeypatch.setenv(name, value)
        first = batch_desk(tmp_path, shop, salt="objects", waits={"store": service.uri, "cache": tmp_path / "one"})
        first.work(until=lambda _, ledgers: any(each.state != "packed" for each in ledgers))
        second = BatchDesk(open_store(service.uri, tmp_path / "two"), first.settings)
        second.work()
        rows = second.rows()

        assert len(rows) == 24
        assert {row["status"] for row in rows} == {"answered"}
        assert shop.purchases()["repeated"] == 0
        assert not list(Path(tmp_path / "one").rglob("*.lock"))
        assert [name for name in second.store.names("run/batches") if name.endswith(".jsonl")] == []
        assert first.ledgers() == second.ledgers()
