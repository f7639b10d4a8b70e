"""Batches over real HTTP: what is bought, what the files say, and what is refused."""

from collections import Counter
from decimal import Decimal

import openai
import pytest

from tests.support.batches import LINES, N, create, ended, fresh, jsonl, lines_of, make_line, run, sdk, upload
from tests.support.emulator import running_emulator
from tests.support.until import until


def test_batch_answers_every_line_once_in_another_order_at_half_the_price(service, client):
    lines = fresh("plain")
    batch, output, errors = run(client, lines)
    online = client.chat.completions.create(**lines[3]["body"])

    bought = [line for line in service.purchase_lines() if line["batch_id"] == batch.id]
    assert [line["custom_id"] for line in output] != [line["custom_id"] for line in lines]
    assert Counter(line["custom_id"] for line in output) == Counter(line["custom_id"] for line in lines)
    assert (errors, batch.error_file_id) == ([], None)
    said = next(line for line in output if line["custom_id"] == "plain3.0")["response"]["body"]
    assert said["choices"][0]["message"]["content"] == online.choices[0].message.content
    full = (Decimal("0.4") * online.usage.prompt_tokens + Decimal("1.6") * online.usage.completion_tokens) / 1_000_000
    assert Decimal(next(line for line in bought if line["id"] == "plain3.0")["cost_usd"]) == full / 2
    assert {line["transport"] for line in bought} == {"batch"}


def test_filtered_line_is_a_400_on_azure_and_a_refusal_on_openai(emulator):
    profile, running = emulator
    running.set_batch_faults(answers={"filter_prompt": 1})
    with sdk(running, profile) as client:
        _, output, errors = run(client, [make_line(profile=profile)])

    if profile == "openai":
        assert output[0]["response"]["body"]["choices"][0]["message"]["refusal"]
    else:
        assert (errors[0]["response"]["status_code"], errors[0]["error"]) == (400, None)
        assert errors[0]["response"]["body"]["error"]["code"] == "content_filter"


@pytest.mark.parametrize(
    ("changes", "code", "line"),
    [
        pytest.param([make_line(1), make_line(1)], "duplicate_custom_id", 2, id="repeated id"),
        pytest.param([make_line(1), make_line(2, url="/v1/embeddings")], "url_mismatch", 2, id="url"),
        pytest.param([make_line(1), make_line(2, body={"model": "gpt-4o"})], "model_mismatch", 2, id="two models"),
        pytest.param([make_line(1, body={"model": "none"})], "model_not_found", 1, id="unknown model"),
        pytest.param([make_line(1, custom_id=7)], "invalid_request", 1, id="id is no text"),
        pytest.param([], "empty_file", None, id="empty"),
        pytest.param([make_line(n) for n in range(21)], "too_many_tasks", None, id="too many"),
    ],
)
def test_faulty_input_fails_after_create_with_its_code(client, changes, code, line):
    batch = ended(client, create(client, jsonl(changes)).id)

    error = batch.errors.data[0]
    assert (batch.status, error.code, error.line) == ("failed", code, line)
    assert (batch.output_file_id, batch.error_file_id) == (None, None)


def test_byte_order_mark_is_refused(emulator):
    with sdk(emulator[1], emulator[0]) as client:
        batch = ended(client, create(client, b"\xef\xbb\xbf" + jsonl(LINES)).id)

    code = "invalid_json_line" if emulator[0] == "openai" else "model_not_found"
    assert (batch.errors.data[0].code, batch.errors.data[0].line) == (code, 1)


def test_line_that_is_no_json_is_named(client):
    batch = ended(client, create(client, jsonl(LINES) + b'{"custom_id": \n').id)

    assert (batch.errors.data[0].code, batch.errors.data[0].line) == ("invalid_json_line", N + 1)


def test_wrong_parameters_of_one_line_fail_that_line_only(client):
    lines = [*fresh("param", 2), make_line(9, custom_id="param9.0", body={"temperature": 9})]

    _, output, errors = run(client, lines)

    assert len(output) == 2
    assert (errors[0]["custom_id"], errors[0]["response"]["status_code"]) == ("param9.0", 400)


@pytest.mark.parametrize(
    ("profile", "refusal", "at_create"),
    [("openai", None, False), ("azure_v1", None, True)],
)
def test_too_many_queued_tokens_are_refused_at_create_or_fail_later(profile, refusal, at_create):
    limits = {"enqueued_tokens": 400, "token_refusal": refusal}
    with running_emulator(profile=profile, batch_speed=20, batch=limits) as running, sdk(running, profile) as client:
        create(client, jsonl([make_line(n) for n in range(8)]))
        content = jsonl([make_line(n) for n in range(20, 28)])
        if at_create:
            with pytest.raises(openai.BadRequestError) as caught:
                create(client, content)
            assert caught.value.code == "token_limit_exceeded"
        else:
            batch = ended(client, create(client, content).id)
            assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")
        first = running.batches()["batches"][0]["id"]
        client.batches.cancel(first)
        ended(client, first)

        assert create(client, content).status == "validating"


def test_same_requests_in_two_batches_are_counted(service, client):
    before = service.batches()["same_requests"]
    for _ in range(2):
        create(client, jsonl(fresh("same")))

    assert service.batches()["same_requests"] == before + 1


def test_cancel_takes_its_time_keeps_what_is_done_and_buys_no_more():
    slow = {"working_s": 1000.0, "cancelling_s": 100.0}
    with running_emulator(batch_speed=500, batch=slow) as running, sdk(running, "openai") as client:
        file = upload(client, jsonl(fresh("cancel", 40)))
        with running.standing_still():
            batch = client.batches.create(input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h")
            running.skip(200.0)
            until(lambda: running.purchases()["total"] > 3)
            assert client.batches.cancel(batch.id).status == "cancelling"
            assert client.batches.retrieve(batch.id).status == "cancelling"
        over = ended(client, batch.id)

        output = lines_of(client, over.output_file_id)
        assert over.status == "cancelled"
        assert len(output) == running.purchases()["total"] < 40
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)
