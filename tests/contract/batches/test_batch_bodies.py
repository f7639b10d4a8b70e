"""Bodies of files and batches in all profiles match the official descriptions; wrong calls are refused as described."""

import openai
import pytest

from tests.support.batch_descriptions import check_body, plain_error
from tests.support.batches import create, ended, input_lines, line_url, lines_of, make_line, upload
from tests.support.descriptions import AUTHORING_2024, BATCH_LINES, check, without_nulls
from tests.support.until import until


def test_created_is_answered_with_the_status_and_headers_of_the_version(service, raw):
    profile, _, client = service
    uploaded = raw.post("/files", files={"file": ("in.jsonl", input_lines(profile))}, data={"purpose": "batch"})
    until(lambda: client.files.retrieve(uploaded.json()["id"]).status == "processed")
    order = {"input_file_id": uploaded.json()["id"], "endpoint": line_url(profile), "completion_window": "24h"}
    made = raw.post("/batches", json=order)

    dated = profile == "azure"
    assert (uploaded.status_code, made.status_code) == ((201, 201) if dated else (200, 200))
    assert ("location" in uploaded.headers, "deployment-enqueued-tokens" in made.headers) == (dated, dated)
    if dated:
        assert raw.get(uploaded.headers["location"]).json()["id"] == uploaded.json()["id"]
        older = raw.post("/batches", json=order, params={"api-version": "2024-10-21"})
        assert older.status_code == 200


def test_file_bodies_match_the_description(service, raw):
    profile, _, client = service
    uploaded = raw.post("/files", files={"file": ("in.jsonl", input_lines(profile))}, data={"purpose": "batch"}).json()
    fresh = uploaded if profile == "azure_v1" else without_nulls(uploaded)  # bytes may be null in v1
    check_body(profile, "file", fresh)
    until(lambda: client.files.retrieve(uploaded["id"]).status == "processed")
    check_body(profile, "file", without_nulls(raw.get(f"/files/{uploaded['id']}").json()))
    check_body(profile, "files", without_nulls(raw.get("/files").json()))
    if profile == "azure":
        check(raw.get("/files", params={"api-version": "2024-10-21"}).json(), AUTHORING_2024, "FileList")
    check_body(profile, "deleted", raw.delete(f"/files/{uploaded['id']}").json())
    gone = raw.get(f"/files/{uploaded['id']}")
    assert gone.status_code == 404
    check_body(profile, "error", plain_error(profile, gone.json()))


def test_batch_bodies_match_the_description_in_every_state(service, raw):
    profile, running, client = service
    seen = set()
    for fault in ({}, {"expired_share": 0.5}, {"all_failed": True}, {"validating_s": 1e9}):
        running.set_batch_faults(**fault)
        batch = create(client, input_lines(profile), profile=profile)
        check_body(profile, "batch", without_nulls(raw.get(f"/batches/{batch.id}").json()))
        if "validating_s" in fault:
            check_body(profile, "batch", without_nulls(raw.post(f"/batches/{batch.id}/cancel").json()))
        ended(client, batch.id)
        body = raw.get(f"/batches/{batch.id}").json()
        check_body(profile, "batch", without_nulls(body))
        seen.add(body["status"])
    running.set_batch_faults()

    assert seen == {"completed", "expired", "cancelled"}
    check_body(profile, "batches", without_nulls(raw.get("/batches").json()))


def test_failed_batch_matches_but_for_the_shape_of_its_errors(service, raw):
    profile, _, client = service
    batch = ended(client, create(client, b"nothing", profile=profile).id)
    body = without_nulls(raw.get(f"/batches/{batch.id}").json())

    assert (body["status"], body["errors"]["data"][0]["code"]) == ("failed", "invalid_json_line")
    if profile == "azure":
        [data] = body["errors"]["data"]
        body["errors"]["data"] = data | {"line": str(data["line"])}
    check_body(profile, "batch", body)


def test_lines_match_the_description(service):
    profile, running, client = service
    running.set_batch_faults(answers={"error_500": 0.4}, response_null=0.3)
    check(make_line(profile=profile), BATCH_LINES, "BatchRequestInput")
    batch = ended(client, create(client, input_lines(profile, 30), profile=profile).id)
    running.set_batch_faults()

    output, errors = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
    assert output
    assert errors
    for line in output + errors:
        check(line, BATCH_LINES, "BatchRequestOutput")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"completion_window": "48h"}, id="window"),
        pytest.param({"endpoint": "/v1/embeddings"}, id="endpoint"),
        pytest.param({"input_file_id": ""}, id="no file"),
        pytest.param({"metadata": {"k": "x" * 513}}, id="metadata"),
    ],
)
def test_wrong_create_is_refused_as_described(service, raw, changes):
    profile, _, client = service
    order = {"input_file_id": upload(client, b"{}"), "endpoint": line_url(profile), "completion_window": "24h"}
    response = raw.post("/batches", json=order | changes)

    assert response.status_code == 400
    check_body(profile, "error", plain_error(profile, response.json()))


def test_only_azure_takes_the_bare_endpoint(service):
    profile, _, client = service
    file_id = upload(client, input_lines("azure"))
    order = {"input_file_id": file_id, "completion_window": "24h"}
    if profile == "openai":
        with pytest.raises(openai.BadRequestError):
            client.batches.create(**order, endpoint="/chat/completions")
        return

    assert ended(client, client.batches.create(**order, endpoint="/chat/completions").id).status == "completed"


def test_wrong_key_and_unknown_version_are_refused(service, raw):
    profile = service[0]
    wrong = {"Authorization": "Bearer x"} if profile == "openai" else {"api-key": "x"}

    for path in ("/files", "/batches"):
        assert raw.get(path, headers=wrong).status_code == 401
        if profile == "azure":
            assert raw.get(path, params={"api-version": "2020-01-01"}).status_code == 404


def test_expiry_out_of_range_is_refused(service, raw):
    seconds = "3599" if service[0] == "openai" else "3600"
    data = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": seconds}
    response = raw.post("/files", files={"file": ("in.jsonl", b"{}")}, data=data)

    assert response.status_code == 400
    check_body(service[0], "error", plain_error(service[0], response.json()))
