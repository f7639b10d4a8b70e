"""Small generated studies for tests: a CSV survey, a persona, two questions, a models file for an emulator."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

REGIONS = {1: "North", 2: "South", 3: "West"}
MOODS = {1: "Good", 2: "Fair", 3: "Poor"}
TRUST = {1: "Yes", 2: "No"}


def write_study(
    folder: Path,
    base_url: str,
    *,
    n_respondents: int = 60,
    rpm: int = 60_000,
    shard_size: int | str = 8,
    arms: Sequence[str] = ("basic",),
    name: str = "tiny",
    key_env: str | None = None,
    reuse: str = "none",
    temperature: float = 0,
    timeout_s: float = 30,
    budget_usd: float | None = None,
    other_model: str | None = None,
    second_deployment: str | None = None,
    fallback: str | None = None,
    salt: str = "",
    arm_keys: str = "",
    batch: Sequence[str] = (),
    provider: str = "openai",
) -> Path:
    """Write study.yaml, models.yaml, persona.j2 and survey.csv; returns the study file.

    Every persona is distinct, so that requests = respondents x questions x arms.

    Args:
        other_model: base URL of a model `other`, which answers a further arm of that name.
        second_deployment: base URL of a second deployment of the first model.
        arm_keys: further keys of every arm of the first model, as in `transport: batch, retry: online`.
        batch: batch deployments of the first model, each as the keys behind its name.
        provider: of the first model.
        fallback: base URL of a model `spare`, which the first model falls back to.
        salt: words in every question, so that two studies share no request.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "survey.csv").write_text(_survey(n_respondents), encoding="utf-8")
    (folder / "persona.j2").write_text(
        "You are {{ age }} years old.\nYou live in the {{ region }}.\n", encoding="utf-8"
    )
    budget = f"budget: {{run_usd: {budget_usd}}}\n" if budget_usd is not None else ""
    other_arm = "" if other_model is None else "\n  other: {model: other, strategy: basic}"
    arm_lines = (
        "\n".join(f"  {arm}: {{model: mini, strategy: {_strategy(arm)}{_more(arm_keys)}}}" for arm in arms) + other_arm
    )
    study = f"""\
study: {name}
survey: {{file: survey.csv, respondent_id: id, weight: w}}
split: {{test: 0.2, validation: 0.1, seed: 1}}
persona:
  fields: [age, region]
  phrases:
    region: {_flow(REGIONS)}
  template: persona.j2
questions:
  mood: {{text: "How do you feel today? {salt}", scale: ordinal, answers: {_flow(MOODS)}}}
  trust: {{text: "Do you trust your neighbours? {salt}", answers: {_flow(TRUST)}}}
arms:
{arm_lines}
evaluate: {{bootstrap: 200}}
reuse: {{scope: {reuse}}}
queue: {{shard_size: {shard_size}}}
{budget}"""
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    auth = f"api_key_env: {key_env}, auth: key" if key_env is not None else "auth: none"
    entries = [_model("mini", "gpt-4.1-mini", [base_url, second_deployment], auth, rpm, temperature, timeout_s)]
    entries[0] = entries[0].replace("provider: openai", _provider(provider)) + _batch(batch)
    if fallback is not None:
        entries[0] = entries[0].replace("    family: chat\n", "    family: chat\n    fallback: spare\n")
        entries.append(_model("spare", "gpt-4o", [fallback], auth, rpm, temperature, timeout_s))
    if other_model is not None:
        entries.append(_model("other", "gpt-4o-mini", [other_model], auth, rpm, temperature, timeout_s))
    models = "models:\n" + "".join(entries)
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    return folder / "study.yaml"


def _survey(n_respondents: int) -> str:
    rng = Random(7)
    lines = ["id,age,region,mood,trust,w"]
    for i in range(n_respondents):
        region, mood, trust = rng.choice(list(REGIONS)), rng.choice(list(MOODS)), rng.choice(list(TRUST))
        lines.append(f"{1000 + i},{18 + i},{region},{mood},{trust},{rng.uniform(0.5, 2):.3f}")
    return "\n".join(lines) + "\n"


def _model(
    name: str, model: str, urls: list[str | None], auth: str, rpm: int, temperature: float, timeout_s: float
) -> str:
    lines = [
        f'      - {{name: {name}{i}, base_url: "{url}", {auth}, rpm: {rpm}, identity: shared}}'
        for i, url in enumerate(urls)
        if url is not None
    ]
    return f"""\
  {name}:
    provider: openai
    model: {model}
    family: chat
    parameters: {{temperature: {temperature}, max_completion_tokens: 64}}
    price: {{input: 0.40, cached_input: 0.10, output: 1.60, as_of: 2026-11-01}}
    timeout_s: {timeout_s}
    deployments:
""" + "".join(line + "\n" for line in lines)


def _more(keys: str) -> str:
    return f", {keys}" if keys else ""


def _provider(provider: str) -> str:
    return f"provider: {provider}" + ("\n    api_version: 2025-04-01-preview" if provider == "azure" else "")


def _batch(deployments: Sequence[str]) -> str:
    if not deployments:
        return ""
    lines = "".join(
        f"      - {{name: b{i}, auth: none, rpm: 600000, identity: shared, {keys}}}\n"
        for i, keys in enumerate(deployments)
    )
    return "    batch:\n" + lines


def _strategy(arm: str) -> str:
    return {
        "cot": "chain_of_thought",
        "cot3": "chain_of_thought, stages: 3",
        "samples": "repeats, repeats: 8, parameters: {temperature: 1}",
        "twice": "basic, repeats: 2, parameters: {temperature: 1}",
        "rotated": "logprobs, permutations: rotate",
    }.get(arm, arm)


def _flow(labels: dict[int, str]) -> str:
    return "{" + ", ".join(f'{code}: "{label}"' for code, label in labels.items()) + "}"
