"""What a followed run tells of workers that are not there."""

import pytest

from cli import follow
from cli.presence import NO_WORKER, WRONG_STORE
from storage.identity import identity
from storage.store import open_store
from workers import connection
from workers.beats import beat

pytestmark = pytest.mark.redis


@pytest.fixture
def told(redis_url, capsys, monkeypatch, tmp_path):
    """What two looks at a run of a store say at once."""
    monkeypatch.setattr(follow, "NO_WORKER_NOTE_S", -1.0)

    def told(note):
        helper = follow._Helper(open_store(str(tmp_path)), "r", redis_url, note)
        helper.look()
        helper.look()
        return " ".join(capsys.readouterr().err.split())

    return told


@pytest.mark.parametrize(("note", "words"), [(None, NO_WORKER), (follow.NO_WORKER_YET, follow.NO_WORKER_YET)])
def test_missing_worker_is_told_once_in_the_words_of_the_kind_of_server(told, note, words):
    assert told(note) == words


def test_worker_that_sees_the_store_is_nothing_to_tell(told, redis_url, tmp_path):
    beat(connection.plain(redis_url), "host-1", 4, identity(open_store(str(tmp_path))))

    assert told(None) == ""


@pytest.mark.parametrize("has_name", [True, False])
def test_worker_that_sees_another_store_is_told(told, redis_url, tmp_path, has_name):
    if has_name:
        identity(open_store(str(tmp_path)))
    beat(connection.plain(redis_url), "host-1", 4, "0123456789abcdef")

    assert told(None) == WRONG_STORE
