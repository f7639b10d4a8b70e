"""How the address of chat completions is spelled in batches: on every line, and when a batch is created."""

from schemas.models import Provider

_V1_URL, _BARE_URL = "/v1/chat/completions", "/chat/completions"


def line_url(provider: Provider) -> str:
    """`url` on every line of an input file, as the provider's documents spell it."""
    return _BARE_URL if provider == "azure" else _V1_URL


def create_endpoint(provider: Provider) -> str:
    """`endpoint` of a new batch, as the provider's documents spell it.

    Source: Microsoft Learn, "Getting started with Azure OpenAI batch deployments" (read 2026-11-22): /v1/... on the
    line and /chat/completions at create.
    """
    return _V1_URL if provider == "openai" else _BARE_URL
