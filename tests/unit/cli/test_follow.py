"""What a followed run tells of workers that are not there."""

import pytest

from cli import follow


@pytest.mark.redis
@pytest.mark.parametrize("note", [follow.NO_WORKER, follow.NO_WORKER_YET])
def test_missing_worker_is_told_once_in_the_words_of_the_kind_of_server(redis_url, capsys, monkeypatch, note):
    monkeypatch.setattr(follow, "NO_WORKER_NOTE_S", -1.0)
    helper = follow._Helper("r", redis_url, note)

    helper.look()
    helper.look()

    told = " ".join(capsys.readouterr().err.split())
    assert told == note
