"""Batches over real HTTP: what is bought, what the files say, and each fault on its own."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import httpx2
import openai
import pytest

from tests.support.batches import FAST, create, ended, jsonl, lines_of, make_line, sdk, upload
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.until import until

N = 12
LINES = [make_line(n) for n in range(N)]
IDS = {line["custom_id"] for line in LINES}


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST, batch={"max_lines": 20}) as running:
        yield running


@pytest.fixture(scope="module")
def azure() -> Iterator[TestEmulator]:
    with running_emulator(profile="azure_v1", batch_speed=FAST) as running:
        yield running


@pytest.fixture(params=["openai", "azure_v1"])
def emulator(
    request: pytest.FixtureRequest, service: TestEmulator, azure: TestEmulator
) -> Iterator[tuple[str, TestEmulator]]:
    running = service if request.param == "openai" else azure
    running.set_batch_faults()
    yield request.param, running
    running.set_batch_faults()


@pytest.fixture
def client(service: TestEmulator) -> Iterator[openai.OpenAI]:
    service.set_batch_faults()
    with sdk(service, "openai") as made:
        yield made


def fresh(name: str, n: int = N) -> list[dict]:
    return [make_line(at, custom_id=f"{name}{at}.0") for at in range(n)]


def run(client, lines):
    batch = ended(client, create(client, jsonl(lines)).id)
    return batch, lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)


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


@pytest.mark.parametrize(
    ("fault", "n_output", "n_errors", "n_bought"),
    [
        pytest.param({"lost_lines": 1}, 0, 0, N, id="lost lines are bought"),
        pytest.param({"repeated_lines": 1}, 2 * N, 0, N, id="repeated lines are bought once"),
        pytest.param({"misfiled_lines": 1}, 0, N, N, id="answers in the error file"),
        pytest.param({"response_null": 1}, 0, N, 0, id="response null"),
        pytest.param({"status_zero": 1}, 0, N, 0, id="status 0"),
        pytest.param({"all_failed": True}, 0, N, 0, id="all failed"),
        pytest.param({"answers": {"error_500": 1}}, 0, N, 0, id="server error on each line"),
        pytest.param({"answers": {"drop_after": 1}}, N, 0, N, id="a line has no connection to drop"),
        pytest.param({"expired_share": 0.25}, N // 4, N - N // 4, N // 4, id="expired"),
        pytest.param({"blank_lines": 1, "unknown_fields": True}, N, 0, N, id="blank lines"),
    ],
)
def test_fault_shows_in_the_files_and_in_the_books(service, client, fault, n_output, n_errors, n_bought):
    service.set_batch_faults(**fault)
    before = service.purchases()["total"]

    batch, output, errors = run(client, fresh(json.dumps(fault)))

    assert (len(output), len(errors)) == (n_output, n_errors)
    assert service.purchases()["total"] - before == n_bought
    assert batch.status == ("expired" if "expired_share" in fault else "completed")
    assert service.purchases()["repeated"] == 0


def test_lines_that_were_not_reached_say_that_the_batch_expired(service, client):
    service.set_batch_faults(expired_share=0.5)

    batch, _, errors = run(client, fresh("expired"))

    assert {(line["response"], line["error"]["code"]) for line in errors} == {(None, "batch_expired")}
    assert batch.expired_at


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


def test_torn_last_line_has_no_line_feed_and_no_end(service, client):
    service.set_batch_faults(torn_last_line=True)
    batch = ended(client, create(client, jsonl(fresh("torn"))).id)

    *whole, last = client.files.content(batch.output_file_id).content.split(b"\n")
    assert len(whole) == N - 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(last)


def test_counts_lie_when_told_to(service, client):
    service.set_batch_faults(lying_counts=True, lost_lines=1, answers={"error_500": 0.5})

    batch, *_ = run(client, fresh("lie"))

    assert (batch.request_counts.completed, batch.request_counts.failed) == (N, 0)


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


def test_create_whose_answer_is_cut_exists_and_is_listed_late(service, client):
    service.set_batch_faults(cut_after_create=1, listed_after_s=600)
    before = service.batches()["created"]

    with pytest.raises(openai.APIConnectionError):
        create(client, jsonl(fresh("cut")), metadata={"run": "cut-1"})

    assert service.batches()["created"] == before + 1
    assert not [batch for batch in client.batches.list() if batch.metadata == {"run": "cut-1"}]
    until(lambda: [batch for batch in client.batches.list() if batch.metadata == {"run": "cut-1"}])


def test_create_that_is_cut_before_leaves_nothing(service, client):
    service.set_batch_faults(cut_before_create=1)
    before = service.batches()["created"]

    with pytest.raises(openai.APIConnectionError):
        create(client, jsonl(LINES))

    assert service.batches()["created"] == before


def test_create_answered_with_500_exists_all_the_same(service, client):
    service.set_batch_faults(error_after_create=1)
    before = service.batches()["created"]

    with pytest.raises(openai.InternalServerError):
        create(client, jsonl(fresh("500")))

    assert service.batches()["created"] == before + 1


def test_same_requests_in_two_batches_are_counted(service, client):
    before = service.batches()["same_requests"]
    for _ in range(2):
        create(client, jsonl(fresh("same")))

    assert service.batches()["same_requests"] == before + 1


def test_upload_whose_answer_is_cut_is_stored(service, client):
    service.set_batch_faults(cut_after_upload=1)
    before = service.batches()["uploads"]

    with pytest.raises(openai.APIConnectionError):
        upload(client, jsonl(LINES))

    assert service.batches()["uploads"] == before + 1


def test_download_is_cut_in_its_middle_once(service, client):
    batch, *_ = run(client, fresh("torn-download"))
    service.set_batch_faults(cut_download=1)

    with pytest.raises((openai.APIConnectionError, httpx2.HTTPError)):
        client.files.content(batch.output_file_id)

    assert len(lines_of(client, batch.output_file_id)) == N


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


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        pytest.param({"validating_s": 1e9}, {"validating"}, id="validating"),
        pytest.param({"finalizing_s": 1e9}, {"finalizing"}, id="finalizing"),
    ],
)
def test_batch_is_stuck(azure, fault, states):
    azure.set_batch_faults(**fault)
    with sdk(azure, "azure_v1") as client:
        batch = create(client, jsonl(LINES))
        until(lambda: client.batches.retrieve(batch.id).status in states)

        counts = client.batches.retrieve(batch.id).request_counts
        assert counts.completed == (N if "finalizing" in states else 0)


def test_batch_fails_after_minutes_when_told_to(service, client):
    service.set_batch_faults(failed="internal_error", failed_after_s=300)

    batch, *_ = run(client, fresh("fail"))

    assert (batch.status, batch.errors.data[0].code) == ("failed", "internal_error")
    assert batch.failed_at - batch.created_at == pytest.approx(300, abs=1)


def test_faults_strike_the_first_batches_only_and_each_id_so_often(service, client):
    service.set_batch_faults(lost_lines=1, first_batches=2, per_id=1)

    found = [len(run(client, fresh("first"))[1]) for _ in range(3)]

    assert found == [0, N, N]


def test_unknown_batch_fault_is_refused_with_the_names_that_exist(service):
    with pytest.raises(Exception, match="400"):
        service.set_batch_faults(lost_line=1)
