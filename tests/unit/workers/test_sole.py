"""One process at a time where hosts share no disk."""

import pytest

from schemas import wire
from schemas.errors import SettingsError
from storage.store import Store, open_store
from tests.support.until import until
from workers import connection
from workers.shards import locks
from workers.sole import sole_lock

REL = ".nightpoll/follow/r.lock"


class Elsewhere(Store):
    is_local = False


@pytest.fixture
def store(tmp_path):
    return Elsewhere(tmp_path)


def test_lease_is_one_holders_until_it_gives_it_back(store, redis_url):
    locks.vouch(connection.plain(redis_url))
    first, second = sole_lock(store, REL, redis_url), sole_lock(store, REL, redis_url)

    assert first.try_exclusive()
    assert not second.try_exclusive()
    first.close()
    assert second.try_exclusive()
    second.close()


def test_lease_is_renewed_while_its_holder_lives_and_free_soon_after_it_died(store, redis_url, monkeypatch):
    monkeypatch.setattr(wire, "LOCK_LEASE_S", 2.0)
    monkeypatch.setattr(wire, "LOCK_RENEW_S", 0.1)
    locks.vouch(connection.plain(redis_url))
    holder, other = sole_lock(store, REL, redis_url), sole_lock(store, REL, redis_url)
    assert holder.try_exclusive()
    holder._ending.wait(2.5)
    assert not other.try_exclusive()

    holder._ending.set()  # as if it died: no renewal, no giving back
    until(other.try_exclusive, what="the lease of the dead")
    other.close()


def test_server_without_memory_makes_the_taker_wait(store, redis_url, monkeypatch):
    monkeypatch.setattr(wire, "LOCK_LEASE_S", 1.0)
    lock = sole_lock(store, REL, redis_url)

    assert lock.try_exclusive()
    lock.close()


def test_bucket_without_redis_has_no_lock(store, tmp_path):
    with pytest.raises(SettingsError):
        sole_lock(store, REL, None)
    lock = sole_lock(open_store(str(tmp_path)), REL, None)
    assert lock.try_exclusive()
    lock.close()
