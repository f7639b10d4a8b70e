"""Curves of a training as a chart file."""

from pathlib import Path

import altair as alt
import pandas as pd

from finetuning.jobs.curves import Curves
from schemas.errors import UserInputError


def write_chart(curves: Curves, path: Path) -> None:
    """Curves as one HTML file that needs no network.

    Raises:
        UserInputError: the file cannot be written.
    """
    rows = [
        {"step": step, "value": value, "curve": name.rpartition("_")[0], "figure": name.rpartition("_")[2]}
        for name, points in curves.points.items()
        for step, value in points
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["step", "value", "curve", "figure"]))
    lines = base.mark_line(point=True).encode(x="step:Q", y=alt.Y("value:Q").scale(zero=False), color="curve:N")
    chart = lines.properties(width=480, height=220).facet(row="figure:N").resolve_scale(y="independent")
    try:
        chart.save(str(path), format="html", inline=True)
    except OSError as e:
        raise UserInputError(f"the chart cannot be written: {e.strerror}.", where=str(path)) from e
