"""From a study to a tuned model in service, by the commands that a user types; then runs with real workers."""

import json
from pathlib import Path

import pytest

from tests.support.cli_runs import CommandLine
from tests.support.fleet import Fleet

ACCOUNT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
FAMILIES = {
    "chat": ("gpt-4.1-mini", "max_completion_tokens"),
    "completion": ("babbage-002", "max_tokens"),
}


def models_yaml(fleet: Fleet, *, provider: str, batch: bool = False) -> str:
    """Two base models, named by their family, on the fleet's emulator."""
    text = "models:\n"
    for family, (model, limit) in FAMILIES.items():
        text += (
            f"  {family}:\n    provider: {provider}\n    model: {model}\n    family: {family}\n"
            f"    parameters: {{temperature: 0, {limit}: 8}}\n    price: {{input: 0.40, output: 0.40}}\n"
            f"    tuning: {{account: {ACCOUNT}, arm_url: {fleet.emulator.origin}, token_env: ARM_TOKEN}}\n"
            f"    deployments:\n      - {{name: here, base_url: '{fleet.emulator.base_url}', auth: none, rpm: 60000}}\n"
        )
        if batch:
            text += f"    batch:\n      - {{name: later, base_url: '{fleet.emulator.base_url}', auth: none}}\n"
    return text


def as_user(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find the fleet's store and server."""
    for name, value in (fleet.environ | {"ARM_TOKEN": "t"}).items():
        monkeypatch.setenv(name, value)


def tune(command: CommandLine, study: Path, *, arm: str, name: str) -> Path:
    """prepare, check, submit, watch, deploy and a first promotion; returns the folder of the training files."""
    out = study.parent / f"training-{name}"
    done(command("finetune", "prepare", study, "--arm", arm, "--out", out))
    done(command("finetune", "check", out / "training.jsonl"))
    done(command("finetune", "submit", out, "--model", arm, "--seed", "7", "--yes"))
    key = json.loads(done(command("finetune", "list", "--json")))["jobs"][-1]["key"]
    done(command("finetune", "watch", key, "--every", "0.1"))
    done(command("finetune", "deploy", key, "--name", f"{name}-here", "--register", name))
    done(command("models", "promote", name, "--version", "v1", "--force", "the first version"))
    return out


def done(said: object) -> str:
    """What a command printed, if it went well."""
    assert getattr(said, "code") == 0, said  # noqa: B009
    return str(getattr(said, "out"))  # noqa: B009
