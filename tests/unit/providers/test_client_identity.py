import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from providers.clients import ChatClient, open_client
from schemas.errors import (
    ServiceRefusedError,
    SettingsError,
    TransientModelError,
)
from schemas.models import Deployment, Model
from tests.support.chat_clients import BODY, KEY, call, error_body, make_client
from tests.support.chat_server import answering, chat_server


class Credential:
    """Stands for azure-identity's: counts calls, fails if told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.scopes: list[str] = []
        self.closed = 0

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        if self.error is not None:
            raise self.error
        return AccessToken("entra-token", int(time.time()) + 3600)

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def entra_client(url: str, provider: str, credential: Credential) -> ChatClient:
    deployment = Deployment(name="here", base_url=url, auth="entra", scope="https://ai.example/.default", rpm=60)
    version = "2024-10-21" if provider == "azure" else None
    model = Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=[deployment])
    return open_client(model, deployment, environ={}, credential=credential)


@pytest.mark.parametrize("provider", ["azure_v1", "azure"])
async def test_client_asks_entra_for_the_scope_and_sends_its_token(provider):
    credential = Credential()
    async with chat_server() as server:
        client = entra_client(server.url, provider, credential)
        await client.complete(BODY, call_id="r1.0", timeout_s=5)
        await client.complete(BODY, call_id="r2.0", timeout_s=5)
        await client.close()

    assert {got.headers["Authorization"] for got in server.received} == {"Bearer entra-token"}
    assert not any("api-key" in got.headers for got in server.received)
    assert credential.scopes == ["https://ai.example/.default"]
    assert credential.closed == 1


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        pytest.param(ClientAuthenticationError("tried a, b, c"), ServiceRefusedError, "unauthorized", id="refused"),
        pytest.param(ServiceRequestError("no route"), TransientModelError, "unreachable", id="unreachable"),
    ],
)
async def test_client_tells_a_refused_identity_from_an_unreachable_identity_service(failure, kind, code):
    async with chat_server() as server:
        with pytest.raises(kind) as caught:
            await call(entra_client(server.url, "azure_v1", Credential(failure)))

    assert caught.value.code == code
    assert not getattr(caught.value, "maybe_paid", False)
    assert server.received == []


async def test_client_shows_no_key_in_repr_or_message():
    long = "x" * 400
    message = f"Incorrect API key provided: {KEY}, Bearer {KEY}, {'ab' * 20}. {long}"
    async with chat_server(answering(error_body(message=message), status=401)) as server:
        client = make_client(server.url)
        with pytest.raises(ServiceRefusedError) as caught:
            await call(client)

    shown = str(caught.value) + repr(caught.value) + repr(client) + repr(vars(client)["_secret"])
    assert KEY not in shown
    assert "ab" * 20 not in shown
    assert len(caught.value.what) < 340
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        pytest.param({}, "key_missing", id="not-set"),
        pytest.param({"THE_KEY": " "}, "key_missing", id="blank"),
        pytest.param({"THE_KEY": "sk-one two"}, "key_broken", id="two-words"),
        pytest.param({"THE_KEY": "sk-ключ"}, "key_broken", id="not-ascii"),
    ],
)
def test_open_client_names_the_variable_when_the_key_cannot_be_used(environ, code):
    deployment = Deployment(name="east", base_url="https://h", api_key_env="THE_KEY", rpm=60)
    model = Model(provider="openai", model="m", deployments=[deployment])

    with pytest.raises(SettingsError, match="THE_KEY") as caught:
        open_client(model, deployment, environ=environ)

    assert caught.value.code == code
    assert "sk-" not in str(caught.value)


class ShortLived:
    """Stands for azure-identity's credential: a new token, about to expire, at every request."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        self.given.append(f"token-{len(self.given)}")
        return AccessToken(self.given[-1], int(time.time()) + 1)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("provider", ["azure_v1", "azure"])
async def test_client_asks_for_its_token_anew_before_each_call(provider):
    credential: Any = ShortLived()
    async with chat_server() as server:
        client = entra_client(server.url, provider, credential)
        await client.complete(dict(BODY), call_id="r1.0", timeout_s=5)
        await client.complete(dict(BODY), call_id="r1.0", timeout_s=5)
        await client.close()

    sent = [got.headers.getall("Authorization") for got in server.received]
    assert sent == [[f"Bearer {token}"] for token in credential.given[-2:]]
