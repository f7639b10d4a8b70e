import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.batch_lines import Account, BatchLine, Check, account, read_line, read_lines, sent_ids, settled
from providers.replies import Usage
from tests.support.chat_server import completion

FILTER = {"code": "content_filter", "message": "The response was filtered.", "status": 400}
EXPIRED = {"code": "batch_expired", "message": "This request could not be executed before the window expired."}


def make_line(custom_id: str = "r1.0", *, status: Any = 200, body: Any = None, **changes: Any) -> dict[str, Any]:
    body = completion() if body is None else body
    return {
        "id": "b",
        "custom_id": custom_id,
        "response": {"status_code": status, "body": body},
        "error": None,
    } | changes


def read(**changes: Any) -> BatchLine:
    return read_line(json.dumps(make_line(**changes)).encode())


def test_answer_carries_text_usage_and_who_answered():
    line = read()

    assert (line.kind, line.custom_id, line.failure) == ("ok", "r1.0", None)
    assert (line.reply.text, line.reply.usage) == ("2", Usage(20, 0, 1, 0))
    assert line.reply.served_model == "gpt-4.1-mini-2025-04-14"


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        pytest.param({"body": completion(choice={"finish_reason": "length"})}, "truncated", "length", id="length"),
        pytest.param({"body": completion(None, message={"refusal": "no"})}, "refused", "refusal", id="refusal"),
        pytest.param(
            {"body": completion(None, choice={"finish_reason": "content_filter"})},
            "filtered",
            "content_filter",
            id="filtered answer",
        ),
        pytest.param({"status": 400, "body": {"error": FILTER}}, "filtered", "content_filter", id="filtered prompt"),
    ],
)
def test_outcome_that_is_no_answer_is_told_from_one(changes, kind, code):
    line = read(**changes)

    assert (line.kind, line.reply.error_code) == (kind, code)


def refusal(code: str | None, message: str = "told") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": "x"}}


@pytest.mark.parametrize(
    ("changes", "code", "flags"),
    [
        pytest.param({"response": None, "error": EXPIRED}, "batch_expired", (True, False, False), id="expired"),
        pytest.param({"response": {}, "error": EXPIRED}, "batch_expired", (True, False, False), id="empty response"),
        pytest.param({"response": None, "error": {"code": "odd"}}, "odd", (True, True, False), id="error only"),
        pytest.param({"response": None}, "no_response", (True, True, False), id="neither response nor error"),
        pytest.param({"status": 0, "body": {}}, "no_status", (True, True, False), id="status 0"),
        pytest.param({"status": "200"}, "malformed_response", (True, True, False), id="status is no number"),
        pytest.param({"status": 500, "body": refusal(None)}, "server_error", (True, True, False), id="500"),
        pytest.param({"status": 429, "body": refusal("429")}, "rate_limited", (True, False, False), id="429"),
        pytest.param({"status": 400, "body": refusal("bad_thing")}, "bad_thing", (False, True, False), id="400"),
        pytest.param({"status": 401, "body": refusal("401")}, "unauthorized", (True, False, True), id="key"),
        pytest.param({"status": 404, "body": refusal("x")}, "model_not_found", (True, False, True), id="model"),
        pytest.param({"status": 402, "body": refusal("x")}, "insufficient_quota", (True, False, True), id="credit"),
        pytest.param({"body": {"choices": []}}, "malformed_response", (True, True, False), id="no choices"),
    ],
)
def test_failure_has_a_reason_and_says_what_to_do(changes, code, flags):
    line = read(**changes)

    failure = line.failure
    assert (line.kind, line.custom_id, failure.code) == ("failed", "r1.0", code)
    assert (failure.may_retry, failure.uses_attempt, failure.stops_model) == flags


def test_empty_answer_failed_and_was_billed():
    failure = read(body=completion("")).failure

    assert (failure.code, failure.usage) == ("empty_content", Usage(20, 0, 1, 0))


def test_error_beside_a_response_without_words_is_used():
    line = read(status=500, body={}, error={"code": "x", "message": "the reason"})

    assert "the reason" in line.failure.message


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"custom_id": "r1.0", "respo', id="torn"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"response": null}', id="no id"),
        pytest.param(b'{"custom_id": 7}', id="id is no text"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_line_without_an_id_is_malformed(raw):
    assert read_line(raw).kind == "malformed"


def test_file_is_split_at_line_feeds_only_and_blank_lines_are_passed_over(tmp_path):
    texts = ["a\u2028b", "c\u0085d", "e\rf", "g\x0bh"]
    lines = [json.dumps(make_line(f"r{n}", body=completion(t)), ensure_ascii=False) for n, t in enumerate(texts)]
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\n\n".join(lines).encode() + b"\r\n \n")

    assert [line.reply.text for line in read_lines(path)] == texts


def test_torn_last_line_costs_only_itself(tmp_path):
    path = tmp_path / "out.jsonl"
    whole = "\n".join(json.dumps(make_line(f"r{n}.0")) for n in range(3)).encode()
    path.write_bytes(whole[:-20])

    assert [line.kind for line in read_lines(path)] == ["ok", "ok", "malformed"]


def test_empty_file_has_no_lines(tmp_path):
    (tmp_path / "empty").write_bytes(b"")

    assert list(read_lines(tmp_path / "empty")) == []


def test_ids_of_an_input_file_are_read_back(tmp_path):
    (tmp_path / "in").write_text('{"custom_id": "a.0"}\n{"custom_id": "b.0"}\n')

    assert list(sent_ids(tmp_path / "in")) == ["a.0", "b.0"]


OK, FAILED = read(custom_id="a"), read(custom_id="a", status=500, body={})


@pytest.mark.parametrize(
    ("lines", "checks", "kind"),
    [
        pytest.param([OK, FAILED], [Check.FIRST, Check.REPEATED], "ok", id="answer first"),
        pytest.param([FAILED, OK], [Check.FIRST, Check.BETTER], "ok", id="failure first"),
        pytest.param([OK, OK], [Check.FIRST, Check.REPEATED], "ok", id="twice"),
        pytest.param([FAILED, FAILED], [Check.FIRST, Check.REPEATED], "failed", id="failed twice"),
    ],
)
def test_repeated_id_counts_once_and_an_answer_beats_a_failure(lines, checks, kind):
    found = Account(frozenset({"a"}))

    assert [found.take(line) for line in lines] == checks
    assert (found.outcomes, dict(+found.kinds)) == ({"a": kind}, {kind: 1})
    assert set(found.failures) == ({"a"} if kind == "failed" else set())


def test_every_id_is_answered_failed_or_missing_whatever_the_order():
    lines = [OK, FAILED, read(custom_id="b", status=400, body=refusal("x")), read(custom_id="zz"), read_line(b"{")]
    for order in permutations(lines):
        found = account(["a", "b", "c"], order)

        assert found.outcomes == {"a": "ok", "b": "failed"}
        assert (list(found.missing()), found.n_missing) == (["c"], 1)
        assert (found.n_unexpected, found.unexpected, found.n_malformed, found.n_repeated) == (1, ["zz"], 1, 1)


@given(
    sent=st.frozensets(st.sampled_from("abcd")),
    lines=st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["ok", "refused", "failed", "malformed"]))),
)
def test_account_of_any_lines_adds_up_to_what_was_sent(sent, lines):
    found = account(sent, [BatchLine(kind, name) for name, kind in lines])

    assert set(found.outcomes) | set(found.missing()) == sent
    assert found.kinds.total() == len(found.outcomes) == len(sent) - found.n_missing
    assert found.n_lines == len(found.outcomes) + found.n_repeated + found.n_unexpected + found.n_malformed


def test_strange_ids_are_counted_and_only_a_few_kept():
    found = account([], [BatchLine("ok", f"x{n}") for n in range(100)])

    assert (found.n_unexpected, len(found.unexpected)) == (100, 20)


def test_settled_gives_one_line_an_id_and_keeps_failures_to_the_end():
    failed_b = read(custom_id="b", status=500, body={})
    found = Account(frozenset("abc"))

    lines = list(settled(found, [FAILED, failed_b, OK, OK, read(custom_id="zz"), read_line(b"{")]))

    assert [(line.custom_id, line.kind) for line in lines] == [("a", "ok"), ("b", "failed")]
    assert list(found.missing()) == ["c"]
