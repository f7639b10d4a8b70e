"""Variables that could serve as id, weight, or boxes of one multiple-response question."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from survey.codes.missing_labels import missing_kind
from survey.drafting.column_facts import ColumnFacts
from survey.items.question_text import option_texts, shared_text

Facts = Mapping[str, ColumnFacts]

_BOX = re.compile(r"(?P<stem>.+?)_?(?P<number>\d+)")
_FLAG_NUMBERS = frozenset({77, 88, 97, 98, 99, 997, 998, 999})
_WEIGHT_NAME = re.compile(r"weight|wgt|(?:^|_)wt|wt$|gewicht", re.IGNORECASE)
_ID_NAME = re.compile(r"id$|^id|respondent|case|serial|^(?:lfd|laufende)\b", re.IGNORECASE)
_STRATA = re.compile(r"strat(?:um|a|id)?(?:$|[^a-z])|^SDMVSTRA|\bv?estrat", re.IGNORECASE)
_CLUSTER = re.compile(r"(?:^|[^a-z])psu|psu(?: |$)|cluster(?:$|[^a-z])|primary sampling", re.IGNORECASE)
_MEAN_ONE = 0.05


@dataclass(frozen=True)
class BoxGroup:
    """Boxes of one question: 1 where ticked.

    Attributes:
        name: what the variables' names share.
        text: question text.
        boxes: variables in file order.
        options: text of each box.
        refused: variable that is 1 where the respondent refused, None if there is none.
    """

    name: str
    text: str
    boxes: tuple[str, ...]
    options: tuple[str, ...]
    refused: str | None


def id_candidates(columns: Facts) -> list[str]:
    """Variables with a distinct value in every row, those named like an id first."""
    found = [
        name
        for name, column in columns.items()
        if column.variable.kind in {"numeric", "text"} and not column.is_fraction and column.is_distinct
    ]
    return sorted(found, key=lambda name: _ID_NAME.search(name) is None)


def weight_candidates(columns: Facts) -> list[str]:
    """Positive numbers with mean about 1, or named like a weight; nearest to an analysis weight first."""
    found: dict[str, tuple[bool, bool, float]] = {}
    for name, column in columns.items():
        variable = column.variable
        if variable.kind != "numeric" or variable.labels or column.mean is None or column.minimum is None:
            continue
        if column.minimum < 0:
            continue
        distance = abs(column.mean - 1)
        is_named = _WEIGHT_NAME.search(f"{name}") is not None or "weight" in variable.label.lower()
        if is_named or (column.is_fraction and distance < _MEAN_ONE):
            found[name] = (not is_named, "base" in f"{name} {variable.label}".lower(), distance)
    return sorted(found, key=lambda name: found[name])


def design_candidates(columns: Facts, taken: Collection[str]) -> tuple[list[str], list[str]]:
    """Variables named or described like sampling strata, and like clusters; with fewer groups than respondents."""
    usable = {
        name: f"{name} {column.variable.label}".strip()
        for name, column in columns.items()
        if name not in taken and 1 < column.n_distinct < column.n_rows and not column.n_missing
    }
    strata = [name for name, words in usable.items() if _STRATA.search(words)]
    clusters = [name for name, words in usable.items() if _CLUSTER.search(words) and name not in strata]
    return strata, clusters


def box_groups(columns: Facts) -> list[BoxGroup]:
    """Groups NAME_1.._n of 0/1 variables, with NAME_99 or a box labelled so as the refusal."""
    stems: dict[str, dict[str, int]] = {}
    for name, column in columns.items():
        match = _BOX.fullmatch(name)
        if match is not None and column.seen and set(column.seen) <= {0, 1}:
            stems.setdefault(match["stem"], {})[name] = int(match["number"])
    groups = [_group(columns, stem, numbers) for stem, numbers in stems.items()]
    return [group for group in groups if len(group.boxes) > 1]


def _group(columns: Facts, stem: str, numbers: dict[str, int]) -> BoxGroup:
    labels = {name: columns[name].variable.label for name in numbers}
    flags = [name for name, label in labels.items() if missing_kind(label) or numbers[name] in _FLAG_NUMBERS]
    boxes = [name for name in numbers if name not in flags]
    texts = [labels[name] for name in boxes]
    options = option_texts(texts) if texts else []
    return BoxGroup(stem, shared_text(texts), tuple(boxes), tuple(options), flags[-1] if flags else None)
