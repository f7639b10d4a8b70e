"""/completions of every profile with the openai package's own client, strict about what comes back."""

import math
from collections.abc import Iterator

import openai
import pytest

from tests.support.batches import FAST, PROFILES, ended, jsonl, lines_of, sdk, upload
from tests.support.emulator import TestEmulator, running_emulator

PROMPT = "You are a man.\n\nQuestion: How is it?\n1. Good\n2. Fair\n3. Poor\nAnswer with the number only.\n\n###\n\n"
ASK = {"model": "babbage-002", "prompt": PROMPT, "temperature": 0, "max_tokens": 4}
ID = {"x-ms-client-request-id": "call-1"}


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def service(profile: str) -> Iterator[TestEmulator]:
    with running_emulator(profile=profile, batch_speed=FAST, manner={"off_codebook": 0.1}) as running:
        yield running


@pytest.fixture
def client(service: TestEmulator, profile: str) -> Iterator[openai.OpenAI]:
    with sdk(service, profile) as opened:
        opened._strict_response_validation = True  # whatever differs from the package's own models is an error
        yield opened
    service.set_faults()


def test_answer_has_text_usage_and_older_logprobs(client: openai.OpenAI, service: TestEmulator) -> None:
    said = client.completions.create(**ASK, logprobs=5, extra_headers=ID)

    (choice,) = said.choices
    assert (said.object, choice.text in "123", choice.finish_reason) == ("text_completion", True, "stop")
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens
    told = choice.logprobs
    assert told.tokens == [choice.text]
    assert told.token_logprobs == [told.top_logprobs[0][choice.text]]
    assert sum(math.exp(each) for each in told.top_logprobs[0].values()) == pytest.approx(1)
    assert set(told.top_logprobs[0]) == {"1", "2", "3", "I", "As"}
    assert told.text_offset == [0]
    (bought,) = [line for line in service.purchase_lines() if line["id"] == "call-1"]
    assert bought["prompt_tokens"] == said.usage.prompt_tokens


def test_sampled_token_is_listed_beyond_the_number_asked_for(client: openai.OpenAI) -> None:
    said = client.completions.create(**(ASK | {"temperature": 2, "n": 8}), logprobs=1, seed=3)

    sizes = {len(choice.logprobs.top_logprobs[0]) for choice in said.choices}
    assert sizes == {1, 2}
    again = client.completions.create(**(ASK | {"temperature": 2, "n": 8}), seed=3)
    assert [choice.text for choice in again.choices] == [choice.text for choice in said.choices]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"logprobs": 6}, "logprobs"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"echo": True}, "echo"),
        ({"stop": 5}, "stop"),
    ],
)
def test_wrong_request_is_refused_by_its_parameter(client: openai.OpenAI, changes: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as e:
        client.completions.create(**(ASK | changes))

    assert e.value.param == param


def test_models_of_the_other_kind_are_refused_at_each_address(client: openai.OpenAI, profile: str) -> None:
    error = openai.NotFoundError if profile == "openai" else openai.BadRequestError
    with pytest.raises(error, match="chat/completions" if profile == "openai" else "completion operation"):
        client.completions.create(**(ASK | {"model": "gpt-4.1-mini"}))
    with pytest.raises(error):
        client.chat.completions.create(model="babbage-002", messages=[{"role": "user", "content": "Yes?"}])


def test_faults_strike_prompts_as_they_strike_chats(client: openai.OpenAI, service: TestEmulator) -> None:
    for fault, error in (("rate_limited", openai.RateLimitError), ("error_500", openai.InternalServerError)):
        service.set_faults(**{fault: 1.0})
        with pytest.raises(error):
            client.completions.create(**ASK)
    service.set_faults(filter_answer=1.0)
    assert client.completions.create(**ASK).choices[0].finish_reason == "content_filter"
    service.set_faults(truncated=1.0)
    assert client.completions.create(**ASK).choices[0].finish_reason == "length"


def test_quota_counts_the_prompt_and_the_maximum(profile: str) -> None:
    tpm = 40 if profile == "openai" else 120  # the one counts what was used, the others the maximum
    with running_emulator(profile=profile, tpm=tpm, rpm=600) as small, sdk(small, profile) as client:
        client.completions.create(**(ASK | {"max_tokens": 70}))
        with pytest.raises(openai.RateLimitError):
            client.completions.create(**(ASK | {"max_tokens": 70}))


def test_batch_of_prompts_is_answered_like_single_calls(
    client: openai.OpenAI, service: TestEmulator, profile: str
) -> None:
    client._strict_response_validation = False  # Azure's files have states that the package does not know
    url = "/completions" if profile == "azure" else "/v1/completions"
    lines = [
        {
            "custom_id": f"r{n}.0",
            "method": "POST",
            "url": url,
            "body": {**ASK, "logprobs": 5, "prompt": f"You are {n}.\n\n{PROMPT}"},
        }
        for n in range(12)
    ]
    batch = client.batches.create(input_file_id=upload(client, jsonl(lines)), endpoint=url, completion_window="24h")
    done = ended(client, batch.id)
    found = {line["custom_id"]: line["response"]["body"] for line in lines_of(client, done.output_file_id)}

    assert len(found) == 12
    alone = client.completions.create(**lines[3]["body"])
    assert found["r3.0"]["choices"][0]["text"] == alone.choices[0].text
    assert found["r3.0"]["choices"][0]["logprobs"]["tokens"] == alone.choices[0].logprobs.tokens
