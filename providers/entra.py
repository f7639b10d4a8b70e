"""Entra ID tokens for Azure. Imported only where a deployment says `auth: entra`: azure-identity is slow to import."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

from schemas.errors import ServiceRefusedError, TransientModelError


@dataclass(frozen=True)
class Tokens:
    """A source of bearer tokens; the credential behind it caches and renews them.

    Attributes:
        get: gives a token; raises ServiceRefusedError if the identity is refused, TransientModelError if the
            identity service cannot be reached.
        close: to be awaited once at the end.
    """

    get: Callable[[], Awaitable[str]]
    close: Callable[[], Awaitable[None]]


def open_tokens(scope: str, credential: AsyncTokenCredential | None = None) -> Tokens:
    """Tokens for a scope.

    Args:
        scope: what the token is for, as `https://cognitiveservices.azure.com/.default`.
        credential: default: whatever azure-identity finds (environment, workload, managed identity, az login).
    """
    source = credential if credential is not None else DefaultAzureCredential()
    provide = get_bearer_token_provider(source, scope)

    async def get() -> str:
        try:
            return await provide()
        except ClientAuthenticationError as error:
            # azure-identity lists what it tried over many lines; only the kind of failure is kept
            hint = "Sign in, or set the variables of azure-identity, and check the scope."
            raise ServiceRefusedError("Entra ID gave no token.", code="unauthorized", hint=hint) from error
        except AzureError as error:
            hint = "Check the network; the same command again goes on."
            raise TransientModelError("Entra ID cannot be reached.", code="unreachable", hint=hint) from error

    return Tokens(get, source.close)
