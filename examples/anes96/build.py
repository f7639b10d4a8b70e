"""Builds anes96.sav from the copy of the ANES 1996 extract that statsmodels ships.

Run `python examples/anes96/build.py` in a development environment. The same input gives the same bytes.
"""

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyreadstat
from statsmodels.datasets import anes96

TARGET = Path(__file__).parent / "anes96.sav"
LEFT_RIGHT = {
    1: "Extremely liberal",
    2: "Liberal",
    3: "Slightly liberal",
    4: "Moderate",
    5: "Slightly conservative",
    6: "Conservative",
    7: "Extremely conservative",
}
INCOME_FROM_USD = (3, 5, 7, 9, 10, 11, 12, 13, 14, 15, 17, 20, 22, 25, 30, 35, 40, 45, 50, 60, 75, 90, 105)
"""Lower ends of codes 2..24 in thousands."""

TEXTS = {
    "respondent": "Number of the respondent",
    "popul": "Population of the place where the respondent lives, in thousands",
    "TVnews": "In the past week, on how many days did you watch the news on TV?",
    "selfLR": "On a scale from extremely liberal to extremely conservative, where would you place yourself?",
    "ClinLR": "On a scale from extremely liberal to extremely conservative, where would you place Bill Clinton?",
    "DoleLR": "On a scale from extremely liberal to extremely conservative, where would you place Bob Dole?",
    "PID": "Which of these describes your party identification best?",
    "age": "Age in years",
    "educ": "What is the highest level of education that you have completed?",
    "income": "What is the yearly income of your household?",
    "vote": "Who do you expect to vote for in the election for President?",
}
ORDINAL = ("TVnews", "selfLR", "ClinLR", "DoleLR", "PID", "educ", "income")
DATE_AT, DATE = 92, b"01 Jan 9700:00:00"
"""Creation date and time in the file header; the writer puts the present moment there.
Source: PSPP developers' guide, "System File Format", file header record."""


def income_labels() -> dict[int, str]:
    """Code 1..24 -> bracket of yearly household income."""
    ends = [f"${low},000-${high - 1},999" for low, high in pairwise(INCOME_FROM_USD)]
    return dict(enumerate(["None or less than $2,999", *ends, "$105,000 and over"], start=1))


def labels() -> dict[str, dict[int, str]]:
    """Variable -> code -> label."""
    return {
        "TVnews": {0: "None", 1: "1 day", **{n: f"{n} days" for n in range(2, 7)}, 7: "Every day"},
        "selfLR": LEFT_RIGHT,
        "ClinLR": LEFT_RIGHT,
        "DoleLR": LEFT_RIGHT,
        "PID": {
            0: "Strong Democrat",
            1: "Weak Democrat",
            2: "Independent-Democrat",
            3: "Independent-Independent",
            4: "Independent-Republican",
            5: "Weak Republican",
            6: "Strong Republican",
        },
        "educ": {
            1: "1-8 grades",
            2: "Some high school",
            3: "High school graduate",
            4: "Some college",
            5: "College degree",
            6: "Master's degree",
            7: "PhD",
        },
        "income": income_labels(),
        "vote": {0: "Clinton", 1: "Dole"},
    }


def table() -> pd.DataFrame:
    """944 respondents, numbered in the order of the extract."""
    data = anes96.load_pandas().data.drop(columns="logpopul")
    data.insert(0, "respondent", range(1, len(data) + 1))
    return data.astype("float64")


def build(target: Path = TARGET) -> Path:
    """Writes the .sav file and gives its path."""
    measures = {name: "ordinal" if name in ORDINAL else "scale" for name in TEXTS} | {"vote": "nominal"}
    pyreadstat.write_sav(
        table()[list(TEXTS)],
        str(target),
        file_label="American National Election Studies 1996, extract",
        column_labels=TEXTS,
        variable_value_labels=labels(),
        variable_measure=measures,
        variable_format=dict.fromkeys(TEXTS, "F8.0"),
        row_compress=True,
    )
    content = bytearray(target.read_bytes())
    content[DATE_AT : DATE_AT + len(DATE)] = DATE
    target.write_bytes(content)
    return target


if __name__ == "__main__":
    build()
