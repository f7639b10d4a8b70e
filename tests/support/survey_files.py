"""Survey files and studies made for tests: small, generated, each with the traps it is named after."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from schemas.study import Study

NPORS_QUESTIONS: dict[str, dict[str, Any]] = {
    "ECON1MOD": {"scale": "ordinal", "cut": 2},
    "UNITY": {},
    "GPT1": {"scale": "ordinal"},
    "MOREGUNIMPACT": {"scale": "ordinal", "order": [1, 3, 2]},
    "GAMBLERESTR": {"scale": "ordinal"},
}
NPORS_FIELDS = ["AGE", "GENDER", "RACE", "BIRTHPLACE", "MARITAL", "EDUCATION", "INC_SDT1", "DIVISION", "METRO"]
NPORS_RACE = {
    "selected": [f"RACEMOD_{n}" for n in range(1, 7)],
    "refused": "RACEMOD_99",
    "join": " and ",
    "prefix": {"from": "HISP", 1: "Hispanic, "},
}


def npors_study(**overrides: Any) -> Study:
    """The study of the design page, for the file that NPORS_SAV names."""
    parts: dict[str, Any] = {
        "study": "npors2024",
        "survey": {
            "file": "npors.sav",
            "respondent_id": "RESPID",
            "weight": "WEIGHT",
            "strata": "BIDENT1_GEOSTRATA",
        },
        "missing": {
            "default": {"refused": [99]},
            "PARTYSUM": {"refused": [9]},
            "AGE": {"refused": [99], "keep": [98]},
        },
        "persona": {"fields": NPORS_FIELDS, "derive": {"RACE": NPORS_RACE}},
        "questions": NPORS_QUESTIONS,
        "arms": {"basic": {"model": "mini", "strategy": "basic"}},
    }
    return Study.model_validate(parts | overrides)


def make_study(**overrides: Any) -> Study:
    """A study of the trap file: one question, two fields."""
    parts: dict[str, Any] = {
        "study": "traps",
        "survey": {"file": "traps.sav", "respondent_id": "ID", "weight": "WT"},
        "missing": {"default": {"refused": [99]}},
        "persona": {"fields": ["AGE", "REGION"]},
        "questions": {"ECON": {"scale": "ordinal"}},
        "arms": {"basic": {"model": "mini", "strategy": "basic"}},
    }
    return Study.model_validate(parts | overrides)


def trap_frame() -> pd.DataFrame:
    """Ten respondents; every column is a trap."""
    nan = float("nan")
    return pd.DataFrame(
        {
            "ID": [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0, 109.0],
            "WT": [0.5, 1.5, 1.0, 2.0, 0.25, 0.75, 1.0, 1.0, 1.0, 1.0],
            "ECON": [1.0, 2.0, 3.0, 99.0, 1.0, 2.0, nan, 3.0, 3.0, 2.0],
            "ROUTED": [1.0, nan, -5.0, -7.0, 2.0, 1.0, nan, 98.0, 1.0, 2.0],
            "AGE": [18.0, 41.0, 97.0, 98.0, 99.0, 55.0, 60.0, 33.0, 41.0, 22.0],
            "REGION": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0],
            "TWICE": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0],
            "PARTY": [1.0, 2.0, 9.0, 1.0, 2.0, 9.0, 1.0, 2.0, 1.0, 1.0],
            "HISP": [1.0, 2.0, 99.0, 1.0, 2.0, 99.0, 2.0, 1.0, 2.0, 2.0],
            "RACE_1": [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0],
            "RACE_2": [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            "RACE_99": [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
            "STATE": ["TX  ", "CA", "", "TX", "NY", "  ", "CA", "TX", "TX", "NY"],
            "STARTED": ["20240222", "20240220", "", "20240203", "", "", "20240301", "20240302", "20240303", "20240304"],
            "BORN": [dt.date(1980, 5, n) if n % 3 else None for n in range(1, 11)],
            "INCOME": [10.5, 20.25, 30.0, nan, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0],
        }
    )


def write_trap_sav(path: Path) -> Path:
    """The trap frame with labels, question texts and declared user-missing ranges."""
    pyreadstat.write_sav(
        trap_frame(),
        str(path),
        column_labels={
            "ECON": "ECON. How is the economy?",
            "ROUTED": "ROUTED. And if so, how much?",
            "RACE_1": "RACE. What is your race? / White",
            "RACE_2": "RACE. What is your race? / Black",
            "RACE_99": "RACE. What is your race? / Refused/Web blank",
            "TWICE": "Asked of all. Which?",
        },
        variable_value_labels={
            "ECON": {1: "Good", 2: "Fair", 3: "Poor", 99: "Don't know/Refused/Web blank"},
            "ROUTED": {1: "A lot", 2: "A little", -5: "Not asked", -7: "Don't know", 98: "Refused"},
            "AGE": {98: "98+", 99: "Refused"},
            "REGION": {1: "North", 2: "South"},
            "TWICE": {1: "Other", 2: "Red", 3: "Other"},
            "PARTY": {1: "Rep", 2: "Dem", 9: "DK/Refused/No lean"},
            "HISP": {1: "Yes", 2: "No", 99: "Refused"},
            **{name: {0: "Not selected", 1: "Selected"} for name in ("RACE_1", "RACE_2", "RACE_99")},
        },
        missing_ranges={"ROUTED": [{"lo": -7, "hi": -5}, 98]},
        variable_measure={"REGION": "nominal", "ECON": "ordinal"},
    )
    return path


def write_csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A CSV file with exactly this text."""
    path.write_bytes(text.encode(encoding))
    return path


def random_frame(n: int, seed: int) -> pd.DataFrame:
    """Codes 1..4 with gaps in columns A and B, for property tests."""
    rng = np.random.default_rng(seed)
    columns = {name: pd.array(rng.integers(1, 5, n), dtype="Int64") for name in ("A", "B")}
    frame = pd.DataFrame(columns)
    return frame.mask(pd.DataFrame(rng.random((n, 2)) < 0.3, columns=["A", "B"]))
