"""Questions that the persona all but answers: a field that goes with the answer, or that asks the same thing."""

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from schemas.errors import Problem
from schemas.study import Study
from schemas.yaml_source import Source
from survey.codes.label_conflicts import likeness
from survey.data import Variable
from survey.drafting.association import IntArray, cramers_v, tenths
from survey.prepare import Prepared

CLOSE = 0.8
"""Cramér's V from which a field is called a close relative: party and party with leaners have about 0.9."""
ALIKE = 0.9
"""Likeness of two question texts from which they are called the same question."""
_FEWEST = 100
"""Answers below which an association is mostly chance."""
_MOST_CODES = 30
"""A field with more codes, as age, is looked at in tenths."""
_SHORTEST_TEXT = 15
_WAVE = re.compile(r"(?:_w\d+|_t\d+|_wave\d+)$", re.IGNORECASE)


def relatives(study: Study, source: Source, prepared: Prepared, variables: Mapping[str, Variable]) -> Iterator[Problem]:
    """Warnings about persona fields that are close relatives of a question; the question itself is told elsewhere.

    Args:
        study: as read.
        source: where it was written.
        prepared: respondents and their answers.
        variables: of the survey file.
    """
    for n, name in enumerate(study.persona.fields):
        made_from = _made_from(study, name)
        for question in prepared.codebook.questions:
            if question in made_from:
                continue
            why = _same_question(question, made_from, prepared, variables) or _goes_with(name, question, prepared)
            if why:
                what = f"the persona's {name} all but answers {question}: {why}."
                hint = "Take the field out to see what the model knows without it, or say so beside the result."
                yield Problem(what, source.where(f"persona.fields.{n}"), hint, "warning", "relative_in_persona")


def _made_from(study: Study, name: str) -> list[str]:
    derive = study.persona.derive.get(name)
    return [name] if derive is None else derive.sources


def _same_question(question: str, made_from: list[str], prepared: Prepared, variables: Mapping[str, Variable]) -> str:
    asked = prepared.codebook.questions[question].text
    for other in made_from:
        if _WAVE.sub("", other) == _WAVE.sub("", question):
            return f"{other} is the same question of another wave"
        text = variables[other].label if other in variables else ""
        if min(len(text), len(asked)) >= _SHORTEST_TEXT and likeness(text, asked) >= ALIKE:
            return f"{other} asks nearly the same"
    return ""


def _goes_with(name: str, question: str, prepared: Prepared) -> str:
    answers = prepared.answers[question]
    both = pd.DataFrame({"field": prepared.respondents[name], "answer": answers.codes}).dropna()
    if len(both) < _FEWEST:
        return ""
    v = cramers_v(_few_codes(both["field"]), _few_codes(both["answer"]))
    return f"they go together with a Cramér's V of {v:.2f}" if v >= CLOSE else ""


def _few_codes(codes: "pd.Series[int]") -> IntArray:
    values = codes.to_numpy(np.int64)
    return values if len(np.unique(values)) <= _MOST_CODES else tenths(values.astype(np.float64))
