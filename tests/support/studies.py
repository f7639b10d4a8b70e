"""Small generated studies for tests: a CSV survey, a persona, two questions, a models file for an emulator."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from textwrap import dedent

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
) -> Path:
    """Write study.yaml, models.yaml, persona.j2 and survey.csv; returns the study file.

    Every persona is distinct, so that requests = respondents x questions x arms.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(7)
    lines = ["id,age,region,mood,trust,w"]
    for i in range(n_respondents):
        region, mood, trust = rng.choice(list(REGIONS)), rng.choice(list(MOODS)), rng.choice(list(TRUST))
        lines.append(f"{1000 + i},{18 + i},{region},{mood},{trust},{rng.uniform(0.5, 2):.3f}")
    (folder / "survey.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "persona.j2").write_text(
        "You are {{ age }} years old.\nYou live in the {{ region }}.\n", encoding="utf-8"
    )
    arm_lines = "\n".join(f"  {arm}: {{model: mini, strategy: {_strategy(arm)}}}" for arm in arms)
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
  mood: {{text: "How do you feel today?", scale: ordinal, answers: {_flow(MOODS)}}}
  trust: {{text: "Do you trust your neighbours?", answers: {_flow(TRUST)}}}
arms:
{arm_lines}
evaluate: {{bootstrap: 200}}
reuse: {{scope: {reuse}}}
queue: {{shard_size: {shard_size}}}
"""
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    auth = f"api_key_env: {key_env}, auth: key" if key_env is not None else "auth: none"
    models = dedent(f"""\
        models:
          mini:
            provider: openai
            model: gpt-4.1-mini
            family: chat
            parameters: {{temperature: {temperature}, max_completion_tokens: 64}}
            price: {{input: 0.40, cached_input: 0.10, output: 1.60, as_of: 2026-11-01}}
            timeout_s: {timeout_s}
            deployments:
              - {{name: local, base_url: "{base_url}", {auth}, rpm: {rpm}}}
        """)
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    return folder / "study.yaml"


def _strategy(arm: str) -> str:
    return {"cot": "chain_of_thought"}.get(arm, arm)


def _flow(labels: dict[int, str]) -> str:
    return "{" + ", ".join(f'{code}: "{label}"' for code, label in labels.items()) + "}"
