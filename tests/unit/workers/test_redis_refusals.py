"""What a server of the queue refuses, told to people."""

import pytest
from redis.exceptions import ResponseError, TimeoutError

from schemas.errors import ExitCode
from workers import connection


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ResponseError("MISCONF Errors writing to the AOF file: No space left on device"), "cannot write its file"),
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'."), "no memory left"),
        (ResponseError("READONLY You can't write against a read only replica."), "read-only copy"),
        (TimeoutError("password=hunter2"), "failed (TimeoutError)"),
    ],
)
def test_refusal_of_the_server_is_told_in_plain_words_and_as_trouble_of_the_environment(error, says):
    told = connection.told(error)

    assert says in told.what
    assert told.exit_code == ExitCode.ENVIRONMENT
    assert told.hint
    assert "hunter2" not in str(told)


def test_server_that_keeps_its_file_can_write(redis_url):
    assert not connection.cannot_write(connection.plain(redis_url))
