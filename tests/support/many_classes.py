"""A made-up survey with one question of 31 imbalanced answers, codes 10 to 40, whose true probabilities are known."""

import csv
from pathlib import Path

import numpy as np

CODES = range(10, 41)
GROUPS = {1: "a farmer", 2: "a teacher", 3: "a driver", 4: "a nurse", 5: "a clerk", 6: "a cook"}
N = 1500
STUDY = """\
study: many
survey: {file: many.csv, respondent_id: ID}
split: {test: 0.25, validation: 0.05, seed: 3}
persona: {fields: [WORK, AGE], phrases: {WORK: {WORKS}}, template: persona.j2}
questions:
  PLACE: {text: "Which place would you move to?", answers: {ANSWERS}}
arms:
"""


def true_shares() -> np.ndarray:
    """Probability of each code by group, shape (6, 31): half of it shared by all, half turned by the group."""
    base = 1.0 / np.arange(1, len(CODES) + 1)
    base /= base.sum()
    return np.array([0.5 * base + 0.5 * np.roll(base, 5 * group) for group in range(len(GROUPS))])


def write_survey(folder: Path, *, seed: int = 11) -> str:
    """The survey and its persona; returns the study up to its arms."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, p = np.random.default_rng(seed), true_shares()
    with (folder / "many.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["ID", "WORK", "AGE", "PLACE"])
        for number in range(N):
            group = int(rng.integers(len(GROUPS)))
            code = CODES[int(rng.choice(len(CODES), p=p[group]))]
            writer.writerow([1000 + number, group + 1, int(rng.integers(18, 90)), code])
    (folder / "persona.j2").write_text("You work as {{ WORK }}.\nYou are {{ AGE }} years old.\n", encoding="utf-8")
    works = "{" + ", ".join(f"{code}: {text}" for code, text in GROUPS.items()) + "}"
    answers = "{" + ", ".join(f'{code}: "Town number {code - 9}"' for code in CODES) + "}"
    return STUDY.replace("{WORKS}", works).replace("{ANSWERS}", answers)
