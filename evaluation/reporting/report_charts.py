"""Charts of the report as Vega-Lite specifications, made with Altair; scripts inside the page draw them."""

from typing import Any

import altair as alt
import pandas as pd

from evaluation.figures import BASELINE, HUMAN, LOGIT
from evaluation.measures.calibration import is_derived
from evaluation.measures.measure import Measured
from evaluation.reporting.report_lookup import Lookup
from evaluation.scoring import SplitScores
from evaluation.subgroups.groups import SUPPRESSED_BELOW, groupings_of

PEOPLE = "people"
COLOURS = ["#8a8f98", "#2f6fed", "#d9730d", "#1a936f", "#9b51e0", "#c0392b", "#0e7c86", "#b58900"]
"""Distinct in both themes and for colour-blind readers; people come first, in grey."""

_WIDTH: Any = "container"
_STEP = 9
_ROW = 24
"""Pixels of one dot, and the least of one group of dots; the page works out the height when an arm is picked."""

Spec = dict[str, Any]


def is_shown(arm: str) -> bool:
    """An arm of the study: no baseline, and not made from another arm."""
    return not arm.startswith(BASELINE) and not is_derived(arm)


def share_charts(scores: SplitScores, lookup: Lookup) -> dict[str, Spec]:
    """Question -> human shares with intervals beside those of every arm."""
    return {q: _share_chart(scores, lookup, q) for q in dict.fromkeys(q for q, _ in scores.cells)}


def reliability_charts(scores: SplitScores) -> dict[str, Spec]:
    """Question -> how often the most likely answer is right, by its probability; questions with probabilities only."""
    found = {}
    for q in dict.fromkeys(q for q, _ in scores.cells):
        measured = {arm: s.measured for (name, arm), s in scores.cells.items() if name == q}
        told = {arm: m for arm, m in measured.items() if arm == LOGIT or not arm.startswith(BASELINE)}
        rows = [row for arm, m in told.items() for row in _reliability(arm, m)]
        if any(row["arm"] != LOGIT for row in rows):
            found[q] = _reliability_chart(q, pd.DataFrame(rows))
    return found


def subgroup_charts(scores: SplitScores, lookup: Lookup) -> dict[str, Spec]:
    """`VARIABLE, question` -> accuracy of every group that is large enough to be shown."""
    found = {}
    by_place: dict[tuple[str, str], list[dict[str, Any]]] = {}
    names = {g.variables: g.name for g in groupings_of(scores.run)}
    for row in lookup.where("accuracy"):
        if row.subgroup is None or row.value is None or row.interval is None or row.question_id is None:
            continue
        if row.arm != LOGIT and not is_shown(row.arm):
            continue
        variables = tuple(name for name, _ in row.subgroup)
        labels = [
            scores.run.labels.get(n, {}).get(c, str(c)) if c is not None else "did not say" for n, c in row.subgroup
        ]
        small = "SMALL_CELL" in row.flags
        group = f"{', '.join(labels)} (n {row.n:,}{', small' if small else ''})"
        entry = {"arm": row.arm, "group": group, "value": row.value, "low": row.interval.low, "high": row.interval.high}
        by_place.setdefault((names[variables], row.question_id), []).append(entry)
    for (variable, question), entries in by_place.items():
        found[f"{variable}, {question}"] = _dots(
            pd.DataFrame(entries), "group", "share right", f"Accuracy on {question} by {variable}"
        )
    return found


def _share_chart(scores: SplitScores, lookup: Lookup, q: str) -> Spec:
    labels = scores.run.question_labels.get(q, {})
    scale = scores.run.scales[q]
    rows = []
    arms = [arm for name, arm in scores.cells if name == q and is_shown(arm)]
    for code in scale.codes:
        answer = labels.get(code, str(code))
        human = lookup.row(HUMAN, q, "share", level=str(code))
        if human is not None and human.value is not None:
            around = human.interval
            low, high = (around.low, around.high) if around else (human.value, human.value)
            rows.append({"arm": PEOPLE, "group": answer, "value": human.value, "low": low, "high": high})
        for arm in arms:
            share = lookup.value(arm, q, "share", level=str(code))
            if share is not None:
                rows.append({"arm": arm, "group": answer, "value": share, "low": None, "high": None})
    order = [labels.get(code, str(code)) for code in scale.codes]
    return _dots(pd.DataFrame(rows), "group", "share of answers", f"Answers to {q}: people and arms", order)


def _dots(data: pd.DataFrame, rows: str, title: str, description: str, order: list[str] | None = None) -> Spec:
    """Dots with intervals; one row a group."""
    y = alt.Y(f"{rows}:N", title=None, sort=order if order is not None else "ascending",
              axis=alt.Axis(labelLimit=170))  # fmt: skip
    offset = alt.YOffset("arm:N")
    arms = list(dict.fromkeys(data["arm"]))
    range_ = COLOURS if PEOPLE in arms else COLOURS[1:]  # an arm has one colour in every chart
    colour = alt.Color("arm:N", title=None, scale=alt.Scale(domain=arms, range=range_),
                       legend=alt.Legend(orient="top", columns=2))  # fmt: skip
    tips = [alt.Tooltip("arm:N"), alt.Tooltip(f"{rows}:N"), alt.Tooltip("value:Q", format=".1%")]
    base = alt.Chart(data)
    point = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(domainMin=0)),
        y=y, yOffset=offset, color=colour, shape=alt.Shape("arm:N", title=None, legend=None), tooltip=tips,
    )  # fmt: skip
    rule = base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, yOffset=offset, color=colour)
    groups = data[rows].nunique()
    height = groups * max(_ROW, _STEP * len(arms))
    chart = alt.layer(rule, point).properties(width=_WIDTH, height=height, description=description)
    return _plain(chart) | {"usermeta": {"groups": groups, "row": _ROW, "step": _STEP}}


def _reliability(arm: str, measured: Measured) -> list[dict[str, Any]]:
    """Bins that hold about 30 people or more; points of fewer would be noise."""
    figures = measured.figures.items()
    found = {(key[0], str(key[2])): f.value for key, f in figures if key[0].startswith("reliability") and key[3]}
    bins = sorted({level for _, level in found})
    names = {"confidence": "reliability_confidence", "right": "reliability_accuracy", "share": "reliability_share"}
    return [
        {"arm": arm, **{k: found[(metric, level)] for k, metric in names.items()}}
        for level in bins
        if (found[("reliability_share", level)] or 0.0) * measured.n_eligible >= SUPPRESSED_BELOW
    ]


def _reliability_chart(q: str, data: pd.DataFrame) -> Spec:
    scale = alt.Scale(domain=[0, 1])
    diagonal = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]})).mark_line(strokeDash=[4, 4], color="#8a8f98")
    colour = alt.Color(
        "arm:N", title=None, scale=alt.Scale(range=COLOURS[1:]), legend=alt.Legend(orient="top", columns=2)
    )
    line = alt.Chart(data).mark_line(point=True).encode(
        x=alt.X("confidence:Q", title="probability of the most likely answer", scale=scale),
        y=alt.Y("right:Q", title="share right", scale=scale), color=colour,
        tooltip=[alt.Tooltip(f"{n}:Q", format=".1%") for n in ("confidence", "right", "share")],
    )  # fmt: skip
    drawn = alt.layer(diagonal.encode(x="x:Q", y="y:Q"), line)
    return _plain(drawn.properties(width=_WIDTH, height=280, description=f"Reliability of {q}"))


def _plain(chart: alt.LayerChart | alt.FacetChart) -> Spec:
    ink = "currentColor"
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    configured = chart.configure(
        background="transparent",
        axis={**text, "gridColor": "#8a8f9840", "domainColor": "#8a8f98", "tickColor": "#8a8f98"},
        legend=text,
        view={"stroke": "transparent"},
        font="system-ui, sans-serif",
    )
    spec: Spec = configured.to_dict()
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec
