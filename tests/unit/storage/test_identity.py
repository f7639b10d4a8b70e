"""A store's name: one for everybody, whoever asks first."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from schemas.errors import StoreError
from storage.identity import identity, known_identity
from storage.store import open_store
from tests.support.object_services import s3_service


def test_twenty_who_ask_at_once_get_one_name(tmp_path):
    with ThreadPoolExecutor(20) as pool:
        names = set(pool.map(lambda _: identity(open_store(str(tmp_path))), range(20)))

    assert names == {known_identity(open_store(str(tmp_path)))}


def test_stores_have_names_of_their_own_and_an_unused_one_has_none(tmp_path):
    first, second = (open_store(str(tmp_path / name)) for name in "ab")

    assert known_identity(first) is None
    assert identity(first) != identity(second)


def test_hosts_of_a_bucket_get_one_name(tmp_path, monkeypatch):
    with s3_service(tmp_path / "log") as service:
        for name, value in service.environ().items():
            monkeypatch.setenv(name, value)
        hosts = [open_store(service.uri, tmp_path / name) for name in "ab"]

        assert [known_identity(host) for host in hosts] == [None, None]
        assert identity(hosts[0]) == identity(hosts[1]) == known_identity(hosts[0])


def test_damaged_name_is_said_with_its_place(tmp_path):
    store = open_store(str(tmp_path))
    identity(store)
    store.path(".nightpoll/store.json").write_text("[]")

    with pytest.raises(StoreError, match="damaged"):
        identity(store)
