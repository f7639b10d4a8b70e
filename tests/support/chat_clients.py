"""Clients of one deployment at a chat server of the tests, and the errors that such a server answers with."""

from typing import Any

from providers.clients import ChatClient, open_client
from schemas.models import Deployment, Model

KEY = "sk-test-0123456789abcdef"
BODY = {"messages": [{"role": "user", "content": "Question: größer?\n1. Ja"}], "temperature": 0}


def make_client(url: str, provider: str = "openai", auth: str = "key", **changes: Any) -> ChatClient:
    """A client with a key of its own for the server at this address."""
    deployment = Deployment(
        name="here", base_url=url, deployment="dep one", api_key_env="THE_KEY", auth=auth, rpm=60, **changes
    )
    version = "2024-10-21" if provider == "azure" else None
    model = Model(provider=provider, model="gpt-4.1-mini", api_version=version, deployments=[deployment])
    return open_client(model, deployment, environ={"THE_KEY": KEY})


async def call(client: ChatClient, timeout_s: float = 5.0) -> Any:
    """One call; the client is closed afterwards, whatever comes."""
    try:
        return await client.complete(dict(BODY), call_id="r1.0", timeout_s=timeout_s)
    finally:
        await client.close()


def error_body(**members: Any) -> dict[str, Any]:
    """An error as the services write it."""
    return {"error": {"message": "m", "type": None, "param": None, "code": None} | members}
