"""Fine-tuning on a running emulator with the openai package's own client, and deployments with plain HTTP."""

import json
from typing import Any

import httpx2
import openai

from tests.support.emulator import TestEmulator
from tests.support.until import until

FAST = 400.0
"""Seconds of service time in a real one: a job of the usual 70 s is over in a fifth of a second and its training."""
OVER = {"succeeded", "failed", "cancelled"}
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/deployments"
QUESTION = "Question: How is the economy?\n1. Good\n2. Fair\n3. Poor\nAnswer with the number only."


def asking(kind: str) -> list[dict[str, str]]:
    """A conversation before its answer; `kind` is what the persona says of the person's mood."""
    return [{"role": "system", "content": "Answer."}, {"role": "user", "content": f"You feel {kind}.\n\n{QUESTION}"}]


def chat_line(kind: str, answer: str) -> dict[str, Any]:
    """One training example."""
    return {"messages": [*asking(kind), {"role": "assistant", "content": answer}]}


def training_lines(n: int = 60) -> list[dict[str, Any]]:
    """The cheerful say 1 in four of five cases, else 2; the gloomy likewise 3."""
    lines = []
    for i in range(n):
        kind, usual = ("cheerful", "1") if i % 2 else ("gloomy", "3")
        lines.append(chat_line(kind, "2" if i % 10 in (4, 5) else usual))
    return lines


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    """Lines as a file."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def upload(client: openai.OpenAI, content: bytes) -> str:
    """Id of a processed training file."""
    file = client.files.create(file=("training.jsonl", content, "application/jsonl"), purpose="fine-tune")
    until(lambda: client.files.retrieve(file.id).status == "processed")
    return file.id


def create(client: openai.OpenAI, content: bytes | None = None, **more: Any) -> Any:
    """A new job on these lines."""
    lines = jsonl(training_lines()) if content is None else content
    return client.fine_tuning.jobs.create(
        **{"model": "gpt-4.1-mini", "training_file": upload(client, lines), "seed": 7} | more
    )


def ended(client: openai.OpenAI, job_id: str) -> Any:
    """The job once it is over."""
    until(lambda: client.fine_tuning.jobs.retrieve(job_id).status in OVER, deadline_s=60)
    return client.fine_tuning.jobs.retrieve(job_id)


def deploy_body(model: str, *, sku: str = "Standard", capacity: int = 1) -> dict[str, Any]:
    """What to PUT."""
    named = {"format": "OpenAI", "name": model, "version": "1"}
    return {"sku": {"name": sku, "capacity": capacity}, "properties": {"model": named}}


def arm(emulator: TestEmulator, method: str, name: str, body: Any = None, **more: Any) -> httpx2.Response:
    """One call to the Resource Manager."""
    version = more.pop("version", "2024-10-01")
    headers = {"authorization": "Bearer t"} | more.pop("headers", {})
    url = f"{emulator.origin}{ARM}/{name}".rstrip("/")
    return httpx2.request(method, url, params={"api-version": version}, json=body, headers=headers, timeout=30)


def deployed(emulator: TestEmulator, name: str, model: str, **more: Any) -> None:
    """Deploy and wait."""
    assert arm(emulator, "PUT", name, deploy_body(model, **more)).status_code in (200, 201)
    state = lambda: arm(emulator, "GET", name).json()["properties"]["provisioningState"]  # noqa: E731
    until(lambda: state() == "Succeeded")
