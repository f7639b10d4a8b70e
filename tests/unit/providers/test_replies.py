import json
from typing import Any

import pytest

from providers.rate_hints import NO_HINTS
from providers.replies import Reply, UnreadableAnswerError, Usage, read_reply, read_usage
from tests.support.chat_server import completion


def read(body: object) -> Reply:
    return read_reply(json.dumps(body).encode(), latency_s=0.5, limits=NO_HINTS)


@pytest.mark.parametrize(
    ("body", "outcome", "text", "code"),
    [
        pytest.param(completion("2"), "ok", "2", None, id="stop"),
        pytest.param(completion("2", choice={"finish_reason": None}), "ok", "2", None, id="no-reason"),
        pytest.param(completion("2", choice={"finish_reason": "eos"}), "ok", "2", None, id="unknown-reason"),
        pytest.param(completion("I", choice={"finish_reason": "length"}), "truncated", "I", "length", id="length"),
        pytest.param(completion("", choice={"finish_reason": "length"}), "truncated", "", "length", id="length-empty"),
        pytest.param(completion(None, choice={"finish_reason": "length"}), "truncated", None, "length", id="null"),
        pytest.param(
            completion(None, choice={"finish_reason": "content_filter"}), "filtered", None, "content_filter",
            id="filter",
        ),
        pytest.param(
            completion("I th", choice={"finish_reason": "content_filter"}), "filtered", "I th", "content_filter",
            id="filter-cut",
        ),
        pytest.param(
            completion(choice={"finish_reason": "content_filter", "message": None}), "filtered", None, "content_filter",
            id="filter-without-message",
        ),
        pytest.param(completion(None, message={"refusal": "I won't."}), "refused", "I won't.", "refusal", id="refusal"),
        pytest.param(completion("2", message={"refusal": None}), "ok", "2", None, id="refusal-null"),
        pytest.param(completion("2", message={"refusal": ""}), "ok", "2", None, id="refusal-empty"),
    ],
)  # fmt: skip
def test_outcome_follows_reason_and_refusal(body, outcome, text, code):
    reply = read(body)

    assert (reply.outcome, reply.text, reply.error_code) == (outcome, text, code)
    assert (reply.error_message is None) == (outcome == "ok")
    assert text in (None, "") or text not in (reply.error_message or "")


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_an_answer_without_a_word_is_worth_another_try_and_carries_its_usage(content):
    with pytest.raises(UnreadableAnswerError) as caught:
        read(completion(content))

    assert (caught.value.code, caught.value.maybe_paid, caught.value.usage) == (
        "empty_content",
        True,
        Usage(20, 0, 1, 0),
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({"choices": []}, id="no-choice"),
        pytest.param({"choices": None}, id="null-choices"),
        pytest.param({"choices": ["x"]}, id="text-choice"),
        pytest.param(completion(choice={"message": None}), id="no-message"),
        pytest.param({"error": {"message": "overloaded"}}, id="error-in-a-200"),
    ],
)
def test_a_body_that_is_no_completion_is_malformed(body):
    with pytest.raises(UnreadableAnswerError) as caught:
        read(body)

    assert caught.value.code == "malformed_response"


def test_reply_keeps_what_the_service_says_about_itself():
    logprobs = {"content": [{"token": "2", "logprob": -0.1, "top_logprobs": []}]}
    reply = read(completion("2", choice={"logprobs": logprobs}, extra={"new": "field"}))

    assert (reply.served_model, reply.system_fingerprint) == ("gpt-4.1-mini-2025-04-14", "fp_1")
    assert (reply.finish_reason, reply.logprobs, reply.latency_s) == ("stop", logprobs, 0.5)


def test_reply_without_model_and_fingerprint_has_none():
    body = completion("2", model=None, system_fingerprint=None)

    assert (read(body).served_model, read(body).system_fingerprint) == (None, None)


def usage(**members: Any) -> dict[str, Any]:
    return {"prompt_tokens": 10, "completion_tokens": 5} | members


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(usage(), Usage(10, 0, 5, 0), id="no-details"),
        pytest.param(usage(prompt_tokens_details=None, completion_tokens_details=None), Usage(10, 0, 5, 0), id="null"),
        pytest.param(usage(prompt_tokens_details={"cached_tokens": None}), Usage(10, 0, 5, 0), id="null-member"),
        pytest.param(usage(prompt_tokens_details={"cached_tokens": 8}), Usage(10, 8, 5, 0), id="cached"),
        pytest.param(usage(completion_tokens_details={"reasoning_tokens": 4}), Usage(10, 0, 5, 4), id="reasoning"),
        pytest.param(
            usage(prompt_tokens_details={"cached_tokens": 99}), Usage(10, 10, 5, 0), id="more-cached-than-sent"
        ),
        pytest.param(usage(prompt_tokens=0), Usage(0, 0, 5, 0), id="zero"),
        pytest.param({"prompt_tokens": 10}, None, id="half"),
        pytest.param(None, None, id="none"),
        pytest.param([], None, id="list"),
    ],
)
def test_usage_is_read_with_missing_details(raw, expected):
    assert read_usage(raw) == expected


def older(text: object, **choice: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 30, "completion_tokens": 1, "total_tokens": 31}
    first = {"text": text, "index": 0, "logprobs": None, "finish_reason": "stop"} | choice
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [first], "usage": usage}


@pytest.mark.parametrize(
    ("body", "outcome", "text"),
    [
        (older(" 2"), "ok", " 2"),
        (older(" 2", finish_reason="length"), "truncated", " 2"),
        (older("", finish_reason="content_filter"), "filtered", ""),
    ],
)
def test_completion_of_a_prompt_is_read_as_that_of_a_chat(body, outcome, text):
    reply = read(body)

    assert (reply.outcome, reply.text) == (outcome, text)
    assert reply.usage == Usage(30, 0, 1, 0)


def test_logprobs_of_a_prompt_are_kept_as_they_came():
    told = {"tokens": [" 2"], "token_logprobs": [-0.1], "top_logprobs": [{" 2": -0.1}], "text_offset": [9]}

    assert read(older(" 2", logprobs=told)).logprobs == told


def test_empty_completion_is_worth_another_try():
    with pytest.raises(UnreadableAnswerError, match="empty"):
        read(older(" "))
