import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.batch_objects import RequestCounts, read_batch, read_file

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["id", "status", "errors", "request_counts", "metadata", "output_file_id", "created_at", "completed_at"]


def test_empty_texts_and_nulls_are_absent():
    batch = read_batch({"id": "b", "status": "completed", "output_file_id": "", "error_file_id": None, "endpoint": ""})

    assert (batch.output_file_id, batch.error_file_id, batch.endpoint) == (None, None, None)
    assert (batch.counts, batch.metadata, batch.ended_at) == (RequestCounts(), {}, None)


def test_counts_may_be_null():
    counts = read_batch({"request_counts": {"total": None, "completed": 0}}).counts

    assert counts == RequestCounts(None, 0, None)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        pytest.param([{"code": "invalid_json_line", "line": 3}], 3, id="list, number"),
        pytest.param({"code": "invalid_json_line", "line": "3"}, 3, id="one object, text"),
        pytest.param([{"code": "invalid_json_line", "line": None}], None, id="no line"),
    ],
)
def test_problems_are_read_in_every_shape(data, line):
    [problem] = read_batch({"status": "failed", "errors": {"object": "list", "data": data}}).problems

    assert (problem.code, problem.line) == ("invalid_json_line", line)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param({"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}, True, id="code"),
        pytest.param({"code": "bad", "message": "token_limit_exceeded for this"}, True, id="message"),
        pytest.param({"code": "empty_file", "message": ""}, False, id="other"),
    ],
)
def test_token_limit_is_known_by_code_or_message(problem, expected):
    assert read_batch({"status": "failed", "errors": {"data": [problem]}}).hit_token_limit is expected


def test_american_spelling_of_cancelled_counts_too():
    batch = read_batch({"status": "canceled"})

    assert (batch.status, batch.is_over) == ("cancelled", True)


@given(st.dictionaries(st.sampled_from(NAMES), ANY))
def test_no_object_breaks_the_readers(body):
    read_batch(body)
    read_file(body)
