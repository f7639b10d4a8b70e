"""The openai package's own clients work on the emulator unchanged."""

import asyncio
from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.support.emulator import TestEmulator, running_emulator

MESSAGES: list = [
    {"role": "user", "content": "You are a man.\n\nQuestion: How is the economy?\n1. Good\n2. Poor\nNumber only."}
]
ASK = {"model": "gpt-4.1-mini", "messages": MESSAGES, "temperature": 0}
ID = {"x-ms-client-request-id": "call-1"}


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(keys=("k",)) as running:
        yield running


@pytest.fixture(scope="module")
def azure() -> Iterator[TestEmulator]:
    east = {"east": {"model": "gpt-4.1-mini"}}
    with running_emulator(profile="azure", keys=("k",), tokens=("t",), deployments=east) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults_left(service: TestEmulator) -> Iterator[None]:
    yield
    service.set_faults()


def client(service: TestEmulator, **more) -> openai.OpenAI:
    return openai.OpenAI(base_url=service.base_url, api_key="k", max_retries=0, **more)


def test_openai_client_gets_an_answer_and_the_list_of_models(service):
    with client(service) as sdk:
        answer = sdk.chat.completions.create(**ASK)
        models = [model.id for model in sdk.models.list()]

    assert answer.choices[0].message.content in {"1", "2"}
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert "gpt-4.1-mini" in models


def test_openai_client_works_on_the_azure_v1_address():
    with (
        running_emulator(profile="azure_v1", keys=("k",)) as running,
        openai.OpenAI(base_url=running.base_url + "/", api_key="k", max_retries=0) as sdk,
    ):
        raw = sdk.chat.completions.with_raw_response.create(**ASK, extra_headers=ID)

    assert raw.headers["x-ms-client-request-id"] == "call-1"
    assert raw.parse().model == "gpt-4.1-mini-2025-04-14"


def test_azure_client_works_with_a_key_and_with_a_token(azure):
    endpoint, version = azure.origin, "2024-10-21"
    for access in ({"api_key": "k"}, {"azure_ad_token": "t"}):
        with openai.AzureOpenAI(azure_endpoint=endpoint, api_version=version, max_retries=0, **access) as sdk:
            answer = sdk.chat.completions.create(**ASK | {"model": "east"}, extra_headers=ID)

        assert answer.model == "gpt-4.1-mini-2025-04-14"
    assert azure.purchases()["by_id"]["call-1"] == 2


async def test_async_client_gets_many_answers_at_once(service):
    async with openai.AsyncOpenAI(base_url=service.base_url, api_key="k", max_retries=0) as sdk:
        answers = await asyncio.gather(*(sdk.chat.completions.create(**ASK) for _ in range(20)))

    assert len({answer.choices[0].message.content for answer in answers}) == 1
    assert len({answer.id for answer in answers}) == 20


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("error_500", openai.InternalServerError),
        ("rate_limited", openai.RateLimitError),
        ("key_revoked", openai.AuthenticationError),
        ("deployment_gone", openai.NotFoundError),
        ("drop_after", openai.APIConnectionError),
    ],
)
def test_faults_arrive_as_the_clients_own_errors(service, fault, error):
    service.set_faults(**{fault: 1})

    with client(service) as sdk, pytest.raises(error):
        sdk.chat.completions.create(**ASK)


def test_insufficient_quota_carries_its_code(service):
    service.set_faults(insufficient_quota=1)

    with client(service) as sdk, pytest.raises(openai.RateLimitError) as caught:
        sdk.chat.completions.create(**ASK)
    assert caught.value.code == "insufficient_quota"


def test_client_does_not_wait_out_a_day_long_hint():
    with (
        running_emulator(profile="azure_v1", tpm=10) as running,
        openai.OpenAI(base_url=running.base_url, api_key="k", timeout=httpx2.Timeout(10)) as sdk,
    ):
        with pytest.raises(openai.RateLimitError, match="86400"):
            sdk.chat.completions.create(**ASK)

        assert running.stats()["arrived"] == 1
