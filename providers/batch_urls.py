"""How the address of single calls is spelled in batches: on every line, and when a batch is created."""

from schemas.models import Family, Provider


def line_url(provider: Provider, family: Family = "chat") -> str:
    """`url` on every line of an input file, as the provider's documents spell it."""
    return _bare_url(family) if provider == "azure" else f"/v1{_bare_url(family)}"


def create_endpoint(provider: Provider, family: Family = "chat") -> str:
    """`endpoint` of a new batch, as the provider's documents spell it.

    Source: Microsoft Learn, "Getting started with Azure OpenAI batch deployments" (read 2026-11-22): /v1/... on the
    line and /chat/completions at create.
    """
    return f"/v1{_bare_url(family)}" if provider == "openai" else _bare_url(family)


def _bare_url(family: Family) -> str:
    return "/completions" if family == "completion" else "/chat/completions"
