"""Fine-tuning and deployments over real HTTP: broken files, refusals, and each fault on its own."""

import base64
from collections.abc import Iterator

import openai
import pytest

from tests.support.batches import sdk
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tunings import (
    FAST,
    arm,
    asking,
    chat_line,
    create,
    deploy_body,
    deployed,
    ended,
    jsonl,
    training_lines,
    upload,
)
from tests.support.until import until


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST) as running:
        yield running


@pytest.fixture(scope="module")
def azure() -> Iterator[TestEmulator]:
    limits = {"capacity": 3, "not_found_s": 200.0, "deploying_s": 100.0, "developer_life_s": 300.0}
    with running_emulator(profile="azure_v1", batch_speed=FAST, tuning=limits) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: TestEmulator) -> Iterator[openai.OpenAI]:
    with sdk(service, "openai") as opened:
        yield opened


@pytest.fixture(scope="module")
def azure_client(azure: TestEmulator) -> Iterator[openai.OpenAI]:
    with sdk(azure, "azure_v1") as opened:
        yield opened


@pytest.fixture(scope="module")
def tuned(azure_client: openai.OpenAI) -> str:
    return ended(azure_client, create(azure_client).id).fine_tuned_model


def test_broken_file_fails_the_job_and_names_its_lines(client: openai.OpenAI) -> None:
    lines = jsonl(training_lines(12)).split(b"\n")
    lines[3] = b"{not json"
    lines[7] = lines[7].replace(b'"assistant"', b'"robot"')

    job = ended(client, create(client, b"\n".join(lines)).id)

    assert job.status == "failed"
    assert job.error.code == "invalid_training_file"
    assert job.error.param == "training_file"
    assert "Line 4: is not valid JSON." in job.error.message
    assert "Line 8: messages[2]: invalid role" in job.error.message


def test_nine_examples_are_too_few(client: openai.OpenAI) -> None:

    job = ended(client, create(client, jsonl(training_lines(9))).id)

    assert job.status == "failed"
    assert "must have at least 10 examples" in job.error.message


def test_messages_of_weight_zero_are_not_learned(client: openai.OpenAI) -> None:
    lines = [*training_lines(40), *(chat_line("cheerful", "3") for _ in range(200))]
    for line in lines[40:]:
        line["messages"][-1]["weight"] = 0
        line["messages"] += [{"role": "user", "content": "Thanks."}, {"role": "assistant", "content": "Welcome."}]

    job = ended(client, create(client, jsonl(lines)).id)
    said = client.chat.completions.create(model=job.fine_tuned_model, messages=asking("cheerful"), temperature=0)

    assert said.choices[0].message.content == "1"


def test_prompt_and_completion_form_trains_too(client: openai.OpenAI) -> None:
    lines = [
        {
            "prompt": line["messages"][1]["content"] + "\n\n###\n\n",
            "completion": f" {line['messages'][2]['content']} END",
        }
        for line in training_lines()
    ]

    job = ended(client, create(client, jsonl(lines), model="babbage-002").id)
    ask = {"model": job.fine_tuned_model, "prompt": lines[1]["prompt"], "temperature": 0}
    said = client.completions.create(**ask)
    stopped = client.completions.create(**ask, stop=" END", logprobs=5)

    assert said.choices[0].text == " 1 END"
    assert stopped.choices[0].text == " 1"
    assert stopped.choices[0].logprobs.tokens == [" 1"]
    assert set(stopped.choices[0].logprobs.top_logprobs[0]) == {" 1", " 2", " 3"}


@pytest.mark.parametrize(("model", "in_prompts"), [("gpt-4.1-mini", True), ("babbage-002", False)])
def test_file_in_the_other_form_fails_its_training(client: openai.OpenAI, model: str, in_prompts: bool) -> None:
    lines = [{"prompt": "q ->", "completion": " 1 END"}] * 12 if in_prompts else training_lines(12)

    job = ended(client, create(client, jsonl(lines), model=model).id)

    assert job.status == "failed"
    assert "is trained on examples with" in job.error.message


def test_training_that_is_closed_is_refused_with_403() -> None:
    with (
        running_emulator(tuning={"training": "closed"}) as running,
        sdk(running, "openai") as opened,
        pytest.raises(openai.PermissionDeniedError) as e,
    ):
        create(opened)

    assert e.value.code == "training_not_available"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        pytest.param({"model": "gpt-0"}, "model", id="unknown model"),
        pytest.param({"training_file": "file-none"}, "training_file", id="no such file"),
        pytest.param({"suffix": "a b"}, "suffix", id="suffix with a blank"),
        pytest.param({"seed": -1}, "seed", id="negative seed"),
        pytest.param({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs", id="no epochs"),
    ],
)
def test_wrong_order_is_refused_by_its_parameter(client: openai.OpenAI, changes: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as e:
        create(client, **changes)

    assert e.value.param == param


def test_job_that_fails_after_training_leaves_no_model(service: TestEmulator, client: openai.OpenAI) -> None:
    service._put("tuning-faults", {"failed_after_training": "safety_check_failed"})

    job = ended(client, create(client).id)
    service._put("tuning-faults", {})

    assert (job.status, job.error.code, job.fine_tuned_model) == ("failed", "safety_check_failed", None)


def test_create_cut_after_it_was_accepted_leaves_a_job(service: TestEmulator, client: openai.OpenAI) -> None:
    before = service._get("tuning")["created"]
    service._put("tuning-faults", {"cut_after_create": 1})

    with pytest.raises(openai.APIConnectionError):
        create(client)
    service._put("tuning-faults", {})

    assert service._get("tuning")["created"] == before + 1


def test_results_may_come_in_base64(service: TestEmulator, client: openai.OpenAI) -> None:
    service._put("tuning-faults", {"results_base64": True})

    job = ended(client, create(client).id)
    service._put("tuning-faults", {})

    assert base64.b64decode(client.files.content(job.result_files[0]).content).startswith(b"step,")


def test_continued_training_knows_old_questions(client: openai.OpenAI) -> None:
    first = ended(client, create(client).id)
    lines = [
        {"messages": [{"role": "user", "content": f"Review {i % 2}"}, {"role": "assistant", "content": str(i % 2)}]}
        for i in range(20)
    ]

    second = ended(client, create(client, jsonl(lines), model=first.fine_tuned_model).id)
    said = client.chat.completions.create(model=second.fine_tuned_model, messages=asking("gloomy"), temperature=0)

    assert said.choices[0].message.content == "3"


def test_new_deployment_answers_not_found_before_it_serves(
    azure: TestEmulator, azure_client: openai.OpenAI, tuned: str
) -> None:
    deployed(azure, "slow", tuned)

    with pytest.raises(openai.NotFoundError) as e:
        azure_client.chat.completions.create(model="slow", messages=asking("gloomy"))
    assert e.value.code == "DeploymentNotFound"

    def answers() -> bool:
        try:
            return bool(azure_client.chat.completions.create(model="slow", messages=asking("gloomy")).choices)
        except openai.NotFoundError:
            return False

    until(answers)
    assert arm(azure, "DELETE", "slow").status_code == 202
    until(lambda: arm(azure, "GET", "slow").status_code == 404)
    assert arm(azure, "DELETE", "slow").status_code == 204


def test_second_deployment_meets_a_conflict_while_the_first_is_made(azure: TestEmulator, tuned: str) -> None:
    assert arm(azure, "PUT", "one", deploy_body(tuned)).status_code == 201

    found = arm(azure, "PUT", "two", deploy_body(tuned))

    assert (found.status_code, found.json()["error"]["code"]) == (409, "RequestConflict")
    until(lambda: arm(azure, "GET", "one").json()["properties"]["provisioningState"] == "Succeeded")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param({"capacity": 9}, 400, "InsufficientQuota", id="capacity"),
        pytest.param({"sku": "Gold"}, 400, "InvalidResourceProperties", id="sku"),
    ],
)
def test_wrong_deployment_is_refused(azure: TestEmulator, tuned: str, change: dict, status: int, code: str) -> None:
    until(
        lambda: all(d["properties"]["provisioningState"] == "Succeeded" for d in arm(azure, "GET", "").json()["value"])
    )

    found = arm(azure, "PUT", "wrong", deploy_body(tuned, **change))

    assert (found.status_code, found.json()["error"]["code"]) == (status, code)


def test_resource_manager_knows_neither_data_versions_nor_keys(azure: TestEmulator) -> None:
    assert arm(azure, "GET", "x", version="2024-10-21").json()["error"]["code"] == "NoRegisteredProviderFound"
    assert arm(azure, "GET", "x", headers={"authorization": "", "api-key": "k"}).status_code in (401, 404)


def test_developer_deployment_is_gone_when_its_life_is_over(azure: TestEmulator, tuned: str) -> None:
    assert arm(azure, "PUT", "dev", deploy_body(tuned, sku="DeveloperTier")).status_code == 201

    until(lambda: arm(azure, "GET", "dev").status_code == 404)

    told = azure._get("tuning")["deployments"][-1]
    assert (told["name"], told["state"]) == ("dev", "Removed")


def test_upload_for_training_is_kept_apart_from_batches(client: openai.OpenAI) -> None:
    file_id = upload(client, jsonl(training_lines(10)))

    assert client.files.retrieve(file_id).purpose == "fine-tune"
    with pytest.raises(openai.BadRequestError):
        client.batches.create(input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h")
