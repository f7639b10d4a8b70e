"""Faults of files and batches, each on its own, over real HTTP."""

import json

import httpx2
import openai
import pytest

from tests.support.batches import (
    LINES,
    N,
    create,
    ended,
    fresh,
    jsonl,
    lines_of,
    run,
    sdk,
    upload,
)
from tests.support.until import until


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


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        pytest.param({"validating_s": 1e9}, {"validating"}, id="validating"),
        pytest.param({"finalizing_s": 1e9}, {"finalizing"}, id="finalizing"),
    ],
)
def test_batch_that_is_stuck_stays_in_its_state_with_true_counts(azure, fault, states):
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
