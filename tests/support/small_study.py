"""A small study on disk: thirty respondents, two questions, three arms; every part can be replaced."""

import csv
from collections.abc import Callable
from pathlib import Path

N_RESPONDENTS = 30

STUDY = """\
study: small
survey: {file: small.csv, respondent_id: ID, weight: W}
missing:
  default: {refused: [99]}
split: {test: 0.2, validation: 0.1, seed: 42}
persona:
  fields: [AGE, SEX]
  phrases: {SEX: {1: a man, 2: a woman}}
  template: persona.j2
questions:
  MOOD: {text: "How are you?", answers: {1: Well, 2: So so, 3: Badly}, scale: ordinal}
  NEWS: {text: "Do you read the news?", answers: {1: Yes, 2: NO}}
arms:
  basic: {model: mini, strategy: basic}
  cot: {model: mini, strategy: chain_of_thought, parameters: {max_completion_tokens: 600}}
  few_shot: {model: mini, strategy: few_shot, examples: 2, match: [SEX, AGE]}
"""

MODELS = """\
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    parameters: {temperature: 0, max_completion_tokens: 16}
    price: {input: 0.40, output: 1.60}
    deployments:
      - {name: here, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 600, tpm: 60_000}
"""

TEMPLATE = "You are {{ AGE }} years old.\nYou are {{ SEX }}.\n"

Row = dict[str, object]


def row(number: int) -> Row:
    """Respondent `number` as the survey file has it."""
    return {
        "ID": 100 + number,
        "W": 0.5 + number % 3,
        "AGE": 20 + number,
        "SEX": 1 + number % 2,
        "MOOD": 1 + number % 3,
        "NEWS": 1 + number % 2,
    }


def write_study(
    folder: Path,
    *,
    study: str = STUDY,
    models: str | None = MODELS,
    template: str | None = TEMPLATE,
    change: Callable[[Row], Row] = dict,
    n: int = N_RESPONDENTS,
) -> Path:
    """The study's path; beside it the survey, the models file and the template, unless None."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [change(row(number)) for number in range(n)]
    with (folder / "small.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if models is not None:
        (folder / "models.yaml").write_text(models, encoding="utf-8")
    if template is not None:
        (folder / "persona.j2").write_text(template, encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(study, encoding="utf-8")
    return path
