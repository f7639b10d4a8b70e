"""Small studies ready to plan: `make_inputs(n=40, arms={...})`, no file read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from producer.imports import Imported
from producer.planning.files import write_plan
from producer.planning.inputs import PlanInputs
from producer.prompting.personas import compile_template
from schemas import run_paths, tables
from schemas.codebook import Codebook, CodedVariable
from schemas.models import Model
from schemas.run import RunManifest
from schemas.study import Study
from storage.parts import write_part
from storage.store import Store
from survey.prepared import Answers, Prepared

CREATED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEMPLATE = "You are {{ AGE }} years old.\nYou live in a {{ AREA }} area."
FIELDS = {
    "AGE": CodedVariable(name="AGE", text="Age", kind="numeric"),
    "AREA": CodedVariable(name="AREA", text="Area", codes=[1, 2], labels={1: "rural", 2: "urban"}),
}
BASIC = {"model": "mini", "strategy": "basic"}
COT = {"model": "mini", "strategy": "chain_of_thought", "parameters": {"max_completion_tokens": 300}}
FEW_SHOT = {"model": "mini", "strategy": "few_shot", "examples": 2, "match": ["AREA"]}


def make_model(**overrides: Any) -> Model:
    """gpt-4.1-mini at temperature 0 with a price and one deployment on Azure."""
    deployment = {
        "name": "east",
        "base_url": "https://east.example.com/openai/v1",
        "api_key_env": "KEY",
        "rpm": 600,
        "tpm": 100_000,
    } | overrides.pop("deployment", {})
    values: dict[str, Any] = {
        "provider": "azure_v1",
        "model": "gpt-4.1-mini",
        "parameters": {"temperature": 0, "max_completion_tokens": 8},
        "price": {"input": 1.0, "output": 10.0},
        "deployments": [deployment],
    }
    return Model.model_validate(values | overrides)


def make_question(name: str, n_options: int = 3) -> CodedVariable:
    """A question with options 1..n."""
    codes = list(range(1, n_options + 1))
    labels = {code: f"Option {code} of {name}" for code in codes}
    text = f"What do you think of {name}?"
    return CodedVariable(name=name, text=text, codes=codes, labels=labels, scale_order=codes, shown=codes)


def make_study(**overrides: Any) -> Study:
    """Two questions, the arm basic."""
    values: dict[str, Any] = {
        "study": "small",
        "survey": {"file": "small.csv", "respondent_id": "ID"},
        "persona": {"fields": ["AGE", "AREA"]},
        "questions": {"Q1": {}, "Q2": {}},
        "arms": {"basic": BASIC},
    }
    return Study.model_validate(values | overrides)


def make_prepared(n: int, questions: list[str], **columns: list[Any]) -> Prepared:
    """`n` respondents r000.. with distinct ages; every third is in the test split, the others train.

    Args:
        columns: values instead of the usual ones: AGE, AREA, split, weight, or `Q1_status` of a question.
    """
    numbers = range(n)
    frame = pd.DataFrame(
        {
            "respondent_id": [f"r{i:03d}" for i in numbers],
            "weight": columns.get("weight", [1.0 + i / 10 for i in numbers]),
            "strata": [None] * n,
            "cluster": [None] * n,
            "split": columns.get("split", ["test" if i % 3 == 0 else "train" for i in numbers]),
            "AGE": pd.array(columns.get("AGE", [18 + i for i in numbers]), dtype="Int32"),
            "AREA": pd.array(columns.get("AREA", [1 + i % 2 for i in numbers]), dtype="Int32"),
        }
    )
    answers = {q: _answers(n, columns.get(f"{q}_status", ["answered"] * n)) for q in questions}
    return Prepared(
        respondents=frame,
        codebook=Codebook(questions={q: make_question(q) for q in questions}, fields=FIELDS),
        answers=answers,
    )


def _answers(n: int, status: list[str]) -> Answers:
    codes = [1 + i % 3 if status[i] == "answered" else None for i in range(n)]
    return Answers(codes=pd.array(codes, dtype="Int32"), status=np.array(status, dtype=object))


def make_inputs(
    *,
    n: int = 12,
    template: str | None = TEMPLATE,
    models: Mapping[str, Model] | None = None,
    imports: Mapping[str, Imported] | None = None,
    columns: dict[str, list[Any]] | None = None,
    **study: Any,
) -> PlanInputs:
    """Inputs of a plan; further keywords are keys of the study."""
    made = make_study(**study)
    prepared = make_prepared(n, list(made.questions), **({} if columns is None else columns))
    return PlanInputs(
        study=made,
        models={"mini": make_model()} if models is None else models,
        prepared=prepared,
        survey_sha256="0" * 64,
        template=compile_template(template, FIELDS, {}),
        imports={} if imports is None else imports,
    )


def make_plan(out_dir: Path, *, run_id: str = "small-1", pilot: int | None = None, **inputs: Any) -> RunManifest:
    """A plan of `make_inputs(**inputs)` in a folder."""
    return write_plan(make_inputs(**inputs), out_dir=out_dir, run_id=run_id, created_at=CREATED_AT, pilot=pilot)


def make_run(store: Store, run_id: str, *, created_at: datetime = CREATED_AT, **inputs: Any) -> RunManifest:
    """A planned run in a store."""
    return write_plan(make_inputs(**inputs), out_dir=store.path(run_id), run_id=run_id, created_at=created_at)


def land_answers(store: Store, run_id: str, *, unit: str = "s000000", **overrides: Any) -> list[str]:
    """Answer every request of a run in one part; returns the request ids.

    Args:
        overrides: values of columns, the same for every row.
    """
    plan = pq.read_table(store.path(run_paths.plan(run_id)))
    ids = plan["request_id"].to_pylist()
    row: dict[str, Any] = {
        "outcome": "ok",
        "turns": ["2"],
        "prompt_tokens": 100,
        "completion_tokens": 1,
        "cost_usd": 0.001,
        "maybe_paid": 0,
        "model": "gpt-4.1-mini",
        "transport": "online",
        "attempts": 1,
        "created_at": CREATED_AT,
    }
    rows = [row | overrides | {"request_id": request_id} for request_id in ids]
    write_part(store, run_id, unit, pa.Table.from_pylist(rows, schema=tables.RESPONSES))
    return ids


def plan_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Rows of one of a plan's tables."""
    rows: list[dict[str, Any]] = pq.read_table(folder / name).to_pylist()
    return rows


def request_ids(folder: Path) -> list[str]:
    """Of a plan, in its order."""
    return [row["request_id"] for row in plan_rows(folder, "plan.parquet")]
