"""Batches on a running emulator with the openai package's own client: input lines, clients, waiting for the end."""

import json
from typing import Any

import openai

from tests.support.emulator import TestEmulator
from tests.support.until import until

PROFILES = ("openai", "azure_v1", "azure")
FAST = 2000.0
"""Seconds of batch time in a real one: a batch of the usual 75 s is over in 40 ms."""
ASK = "You are a man of {n}.\n\nQuestion: How is the economy?\n1. Good\n2. Fair\n3. Poor\nAnswer with the number only."
N = 12
"""Lines of a usual batch."""
OVER = {"completed", "failed", "expired", "cancelled"}


def line_url(profile: str) -> str:
    """As the profile's documents spell it on a line."""
    return "/chat/completions" if profile == "azure" else "/v1/chat/completions"


def make_line(n: int = 0, *, profile: str = "openai", **changes: Any) -> dict[str, Any]:
    """One request; `body` members and top-level ones can be put over it."""
    body = {
        "model": "gpt-4.1-mini",
        "temperature": 0,
        "messages": [{"role": "user", "content": ASK.format(n=n)}],
    } | changes.pop("body", {})
    return {"custom_id": f"r{n}.0", "method": "POST", "url": line_url(profile), "body": body} | changes


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    """Lines as a file."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def sdk(emulator: TestEmulator, profile: str, *, version: str = "2025-04-01-preview") -> openai.OpenAI:
    """The package's own client of a profile."""
    if profile == "azure":
        return openai.AzureOpenAI(azure_endpoint=emulator.origin, api_version=version, api_key="k", max_retries=0)
    return openai.OpenAI(base_url=emulator.base_url, api_key="k", max_retries=0)


def upload(client: openai.OpenAI, content: bytes) -> str:
    """Id of a processed input file."""
    file = client.files.create(file=("input.jsonl", content, "application/jsonl"), purpose="batch")
    until(lambda: client.files.retrieve(file.id).status == "processed")
    return file.id


def create(client: openai.OpenAI, content: bytes, *, profile: str = "openai", **more: Any) -> Any:
    """A new batch of these lines."""
    return client.batches.create(
        input_file_id=upload(client, content), endpoint=line_url(profile), completion_window="24h", **more
    )


def ended(client: openai.OpenAI, batch_id: str) -> Any:
    """The batch once it is over."""
    until(lambda: client.batches.retrieve(batch_id).status in OVER)
    return client.batches.retrieve(batch_id)


def lines_of(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """Lines of a result file; none for an id that is null or empty."""
    if not file_id:
        return []
    return [json.loads(raw) for raw in client.files.content(file_id).content.split(b"\n") if raw.strip()]


LINES = [make_line(n) for n in range(N)]
IDS = {line["custom_id"] for line in LINES}


def fresh(name: str, n: int = N) -> list[dict[str, Any]]:
    """Lines whose ids no other test has."""
    return [make_line(at, custom_id=f"{name}{at}.0") for at in range(n)]


def run(client: openai.OpenAI, lines: list[dict[str, Any]]) -> tuple[Any, list[dict[str, Any]], list[dict[str, Any]]]:
    """A batch that is over, the lines of its output and of its error file."""
    batch = ended(client, create(client, jsonl(lines)).id)
    return batch, lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)


def input_lines(profile: str, n: int = 5, **changes: Any) -> bytes:
    """A file of n lines."""
    return jsonl([make_line(at, profile=profile, **changes) for at in range(n)])
