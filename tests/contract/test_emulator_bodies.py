"""Bodies of every profile against the official descriptions (openapi/SOURCES.md: sources, validators, known gaps)."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support import descriptions
from tests.support.descriptions import AUTHORING_2024, INFERENCE, OPENAI, V1
from tests.support.emulator import TestEmulator, running_emulator

NO_TLS = False  # plain HTTP: reading the trust store would cost each call 80 ms
ASK = "You are a man.\n\nQuestion: How is the economy?\n1. Good\n2. Poor\nAnswer with the number only."
VERSION = "2024-10-21"
DESCRIPTIONS = {"openai": OPENAI, "azure_v1": V1, "azure": INFERENCE, "azure models": AUTHORING_2024}
REQUESTS = {
    "openai": "CreateChatCompletionRequest",
    "azure_v1": "AzureCreateChatCompletionRequest",
    "azure": "createChatCompletionRequest",
}
ANSWERS = {
    "openai": "CreateChatCompletionResponse",
    "azure_v1": "AzureCreateChatCompletionResponse",
    "azure": "createChatCompletionResponse",
}
ERRORS = {"openai": "ErrorResponse", "azure_v1": "AzureErrorResponse", "azure": "errorResponse"}
MODEL_LISTS = {
    "openai": ("openai", "ListModelsResponse"),
    "azure_v1": ("azure_v1", "OpenAI.ListModelsResponse"),
    "azure": ("azure models", "ModelList"),
}
MODELS = {"openai": ("openai", "Model"), "azure_v1": ("azure_v1", "OpenAI.Model"), "azure": ("azure models", "Model")}


def check(source: str, name: str, value: Any) -> None:
    descriptions.check(value, DESCRIPTIONS[source], name)


def on_the_wire(profile: str, error: dict[str, Any]) -> dict[str, Any]:
    """Without what the service is known to send and Azure's descriptions do not allow: nulls, and v1's other types."""
    if profile == "openai":
        return error
    inner = {key: value for key, value in error["error"].items() if value is not None}
    if profile == "azure_v1":
        inner.pop("type", None)
    return {"error": inner}


@pytest.fixture(scope="module", params=["openai", "azure_v1", "azure"])
def emulator(request: pytest.FixtureRequest) -> Iterator[tuple[str, TestEmulator]]:
    with running_emulator(profile=request.param, keys=("k",), rpm=100_000, tpm=100_000) as running:
        yield request.param, running


@pytest.fixture(autouse=True)
def _no_faults_left(emulator: tuple[str, TestEmulator]) -> Iterator[None]:
    yield
    emulator[1].set_faults()


def headers(profile: str, key: str = "k") -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if profile == "openai" else {"api-key": key}


def url(profile: str, base_url: str, path: str) -> str:
    return f"{base_url}/{path}" + (f"?api-version={VERSION}" if profile == "azure" else "")


def ask(emulator: tuple[str, TestEmulator], *, key: str = "k", model: str = "gpt-4.1-mini", **more: Any) -> Any:
    profile, running = emulator
    body = {"model": model, "messages": [{"role": "user", "content": ASK}]} | more
    if not set(more) - {"logprobs", "top_logprobs", "max_completion_tokens", "n"}:
        check(profile, REQUESTS[profile], body)
    path = f"deployments/{model}/chat/completions" if profile == "azure" else "chat/completions"
    return httpx2.post(
        url(profile, running.base_url, path), json=body, headers=headers(profile, key), timeout=20, verify=NO_TLS
    )


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"max_completion_tokens": 1}, id="limit"),
        pytest.param({"logprobs": True, "top_logprobs": 2}, id="logprobs"),
        pytest.param({"n": 2}, id="two choices"),
    ],
)
def test_answer_matches_the_description(emulator, more):
    response = ask(emulator, **more)

    assert response.status_code == 200
    check(emulator[0], ANSWERS[emulator[0]], response.json())


def test_reasoning_answer_matches_the_description(emulator):
    response = ask(emulator, model="o4-mini", max_completion_tokens=8)

    assert response.json()["choices"][0]["finish_reason"] == "length"
    check(emulator[0], ANSWERS[emulator[0]], response.json())


@pytest.mark.parametrize(
    "fault", ["empty_content", "empty_choices", "null_content", "filter_answer", "refusal", "truncated"]
)
def test_spoiled_answer_still_matches_the_description(emulator, fault):
    emulator[1].set_faults(**{fault: 1})

    response = ask(emulator)

    assert response.status_code == 200
    check(emulator[0], ANSWERS[emulator[0]], response.json())


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("error_500", 500),
        ("error_503", 503),
        ("rate_limited", 429),
        ("insufficient_quota", 429),
        ("key_revoked", 401),
        ("deployment_gone", 404),
    ],
)
def test_refusal_by_fault_matches_the_description(emulator, fault, status):
    emulator[1].set_faults(**{fault: 1})

    response = ask(emulator)

    assert response.status_code == status
    check(emulator[0], ERRORS[emulator[0]], on_the_wire(emulator[0], response.json()))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param({"key": "wrong"}, 401, id="wrong key"),
        pytest.param({"model": "nothing"}, 404, id="unknown model"),
        pytest.param({"temperature": 9}, 400, id="temperature"),
        pytest.param({"model": "o4-mini", "max_tokens": 5}, 400, id="max_tokens on a reasoning model"),
        pytest.param({"max_tokens": 200_000}, 429, id="larger than the quota"),
    ],
)
def test_refusal_of_a_wrong_request_matches_the_description(emulator, asked, status):
    if emulator[0] == "openai" and status == 429:
        asked = {"messages": [{"role": "user", "content": "word " * 100_000}], "model": "gpt-4.1-mini"}

    response = ask(emulator, **asked)

    assert response.status_code == status
    check(emulator[0], ERRORS[emulator[0]], on_the_wire(emulator[0], response.json()))


def test_filtered_prompt_is_a_400_on_azure_and_a_refusal_on_openai(emulator):
    profile = emulator[0]
    emulator[1].set_faults(filter_prompt=1)

    response = ask(emulator)

    if profile == "openai":
        assert response.json()["choices"][0]["message"]["refusal"]
        return
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (400, "content_filter", 400)
    assert error["innererror"]["content_filter_result"]["violence"]["filtered"] is True
    check(profile, ERRORS[profile], on_the_wire(profile, response.json()))


def test_models_match_the_description(emulator):
    profile, running = emulator
    listed = httpx2.get(url(profile, running.base_url, "models"), headers=headers(profile)).json()
    one = httpx2.get(url(profile, running.base_url, "models/gpt-4.1-mini"), headers=headers(profile)).json()

    check(*MODEL_LISTS[profile], listed)
    check(*MODELS[profile], one)
    assert one in listed["data"]


def test_description_bites_on_a_broken_answer(emulator):
    broken = ask(emulator).json()
    broken["choices"][0].pop("finish_reason")

    with pytest.raises(AssertionError, match="finish_reason"):
        check(emulator[0], ANSWERS[emulator[0]], broken)
