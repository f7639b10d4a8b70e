"""How many people a persona could be: respondents whose fields nobody else has, and which field tells them apart."""

from collections.abc import Iterator

import pandas as pd

from schemas.errors import Problem
from schemas.study import Study
from schemas.yaml_source import Source
from survey.prepare import Prepared

_FEWEST = 100
"""Of a handful of respondents nearly everybody is the only one; that is no finding."""
_MOST_FOR_FIELDS = 200_000
"""More respondents are not counted again without each field."""


def privacy_problems(study: Study, source: Source, prepared: Prepared) -> Iterator[Problem]:
    """A warning with the share of personas that only one respondent has; a note with the smallest group otherwise."""
    known = prepared.respondents[list(dict.fromkeys(study.persona.fields))]
    if study.privacy.k is not None and len(known):
        yield from _too_small(group_sizes(known), study.privacy.k, source)
    where, n_all = source.where("persona.fields"), len(known)
    if n_all < _FEWEST:
        return
    sizes = group_sizes(known)
    n_unique, smallest = int((sizes == 1).sum()), int(sizes.min())
    if n_unique:
        what = (
            f"{n_unique:,} of {n_all:,} respondents ({n_unique / n_all:.1%}) have a persona that nobody else has: "
            "who knows a person's answers to these fields could find the others."
        )
        yield Problem(what, where, _remedy(known, n_unique), "warning", "personas_unique")
    elif smallest < _FEWEST:
        what = f"the smallest group of respondents with one and the same persona has {smallest} members."
        yield Problem(what, where, level="note", code="smallest_persona_group")


def _too_small(sizes: "pd.Series[int]", k: int, source: Source) -> Iterator[Problem]:
    n_below = int((sizes < k).sum())
    if n_below:
        what = f"{n_below:,} of {len(sizes):,} respondents share their persona with fewer than {k - 1} others."
        hint = "Cut numbers into bands with `persona.derive`, leave fields out, or lower `privacy.k`."
        yield Problem(what, source.where("privacy.k"), hint, code="privacy_k")


def group_sizes(fields: pd.DataFrame) -> "pd.Series[int]":
    """How many respondents share each respondent's fields, missing values counting as values; shape (respondents,)."""
    groups = fields.groupby(list(fields.columns), dropna=False, sort=False)
    return groups[fields.columns[0]].transform("size").astype("int64")


def _remedy(known: pd.DataFrame, n_unique: int) -> str:
    """Names the field without which the fewest would be unique."""
    if len(known.columns) < 2 or len(known) > _MOST_FOR_FIELDS:
        return "Cut numbers into bands with `persona.derive`, or leave fields out."
    without = {name: int((group_sizes(known.drop(columns=name)) == 1).sum()) for name in map(str, known.columns)}
    name = min(without, key=lambda one: without[one])
    return f"Without {name} they would be {without[name]:,} instead of {n_unique:,}; `persona.derive` makes bands."
