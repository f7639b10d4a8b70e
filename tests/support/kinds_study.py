"""A generated study with a question of every kind, asked in every answer format."""

import csv
from pathlib import Path
from random import Random
from typing import Any

FORMATS = ("number", "label", "letter", "json")

QUESTIONS = {
    "MOOD": '{text: "How do you feel today?", scale: ordinal, order: [1, 3, 2], cut: 1, '
    "answers: {1: Well, 2: Badly, 3: So so}}",
    "NEWS": '{text: "Which paper do you read?", answers: {1: The Herald, 2: The Post, 3: None of these}, '
    "fixed_last: [3]}",
    "TRUST": '{kind: grid, text: "How far do you trust each of these?", scale: ordinal, '
    "answers: {1: Fully, 2: In part, 3: Not at all}, items: {TR1: The police, TR2: The courts}}",
    "BOX": '{kind: select_all, text: "Which of these do you own?", items: {BX1: A car, BX2: A bicycle, BX3: A boat}, '
    "refused: BX9}",
    "PETS": '{kind: select_all, one_task: true, text: "Which animals live with you?", '
    "items: {PT1: A dog, PT2: A cat, PT3: A bird}, blank: not_selected}",
    "HOURS": '{kind: numeric, text: "How many hours a day are you online?", minimum: 0, maximum: 24, unit: hours, '
    "asked_if: NET == 1}",
    "ROOMS": '{kind: numeric, text: "How many rooms has your home?", minimum: 1, maximum: 12, bins: [3, 5]}',
    "WORRY": '{kind: open, text: "What worries you most about your country?", codebook: {'
    "1: {label: Economy, words: [econom*, price*, jobs]}, 2: {label: Health, words: [health care, doctor*]}, "
    "3: {label: Other, words: [immigration, crime, school*, environment]}}}",
    "PAY": '{text: "Wages are too low.", answers: {1: Agree, 2: Disagree}, forms: {by: FORM, texts: '
    '{1: "Wages in this country are too low.", 2: "Wages in this country are not high enough."}}}',
}
"""Question -> its YAML."""

KIND_OF = {
    "MOOD": "ordinal", "NEWS": "single", "TR1": "grid", "TR2": "grid", "BX1": "ticked", "BX2": "ticked",
    "BX3": "ticked", "PETS": "several", "HOURS": "numeric", "ROOMS": "binned", "WORRY": "open", "PAY": "forms",
}  # fmt: skip
"""Question of the results -> what it is an example of."""


def write_kinds_study(
    folder: Path, base_url: str, *, n: int = 24, arms: dict[str, str] | None = None, extra: str = ""
) -> Path:
    """The study; beside it survey, models and persona. Arms default to one a format, and reasons in each format.

    Args:
        arms: name -> YAML of an arm without its braces, after `model: mini`.
        extra: further lines of the study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if arms is None:
        arms = {form: f"strategy: basic, format: {form}" for form in FORMATS}
        arms |= {f"cot_{form}": f"strategy: chain_of_thought, format: {form}" for form in FORMATS}
    rows = people(n)
    with (folder / "survey.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "persona.j2").write_text("You are {{ AGE }} years old.\nYour form is {{ FORM }}.\n", encoding="utf-8")
    questions = "\n".join(f"  {name}: {text}" for name, text in QUESTIONS.items())
    lines = "\n".join(f"  {name}: {{model: mini, {text}}}" for name, text in arms.items())
    study = f"""\
study: kinds
survey: {{file: survey.csv, respondent_id: ID}}
split: {{test: 0.2, validation: 0.1, seed: 1}}
missing: {{HOURS: {{refused: [99]}}}}
persona:
  fields: [AGE, FORM]
  phrases: {{FORM: {{1: one, 2: two}}}}
  template: persona.j2
questions:
{questions}
arms:
{lines}
evaluate: {{bootstrap: 100}}
{extra}"""
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    (folder / "models.yaml").write_text(
        f"""\
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    parameters: {{temperature: 0, max_completion_tokens: 900}}
    price: {{input: 0.40, cached_input: 0.10, output: 1.60, as_of: 2026-11-01}}
    deployments:
      - {{name: here, base_url: "{base_url}", auth: none, rpm: 60000}}
""",
        encoding="utf-8",
    )
    return folder / "study.yaml"


def people(n: int) -> list[dict[str, Any]]:
    """Survey rows; every state of every kind occurs within 24 of them."""
    rng = Random(5)
    return [_person(i, rng) for i in range(n)]


def _person(i: int, rng: Random) -> dict[str, Any]:
    online, boxes = i % 4 != 0, [rng.randint(0, 1) for _ in range(3)]
    pets: list[Any] = ["", "", ""] if i % 8 == 0 else [1 if rng.random() < 0.4 else "" for _ in range(3)]
    worries = ("Prices and jobs.", "I never see a doctor.", "crime in my street", "Nothing much")
    return {
        "ID": 100 + i,
        "AGE": 18 + i % 70,
        "FORM": 1 + i % 2,
        "NET": 1 if online else 2,
        "MOOD": 1 + i % 3,
        "NEWS": 1 + i % 3,
        "TR1": 1 + i % 3,
        "TR2": 3 - i % 3,
        **{f"BX{k + 1}": "" if i % 9 == 1 else box for k, box in enumerate(boxes)},
        "BX9": 1 if i % 9 == 1 else 0,
        **{f"PT{k + 1}": pet for k, pet in enumerate(pets)},
        "HOURS": 99 if i % 11 == 5 else rng.randint(0, 16) if online else "",
        "ROOMS": 1 + i % 9,
        "WORRY": "" if i % 10 == 3 else worries[i % 4],
        "PAY": 1 + i % 2,
    }
