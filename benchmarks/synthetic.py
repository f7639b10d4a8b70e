"""Runs of any size against any endpoint, without a survey file: every persona differs, prompts of about 200 tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from producer.planning.files import write_plan
from producer.planning.inputs import PlanInputs
from producer.prompting.personas import compile_template
from schemas import run_paths
from schemas.codebook import Codebook, CodedVariable
from schemas.models import Model
from schemas.run import RunManifest
from schemas.study import Study
from storage.parts import open_table
from storage.runs import append_event, publish_run
from storage.store import Store
from survey.prepared import Answers, Prepared

N_FIELDS = 5
N_CODES = 40
N_OPTIONS = 5
QUESTIONS = 100
FILLER = "Some people hold one view of this matter and others hold quite another, and both sides give reasons for it."
MODEL_ID = "gpt-4.1-mini"


@dataclass(frozen=True)
class Endpoint:
    """Where an arm's calls go; the arm, its model and its quota pool bear the same name."""

    name: str
    base_url: str
    rpm: int = 6_000_000
    tpm: int | None = None
    counting: str | None = None
    max_completion_tokens: int = 8

    def model(self) -> Model:
        """As a models file would say it."""
        deployment = {
            "name": self.name, "base_url": self.base_url, "auth": "none", "rpm": self.rpm, "tpm": self.tpm,
            "quota_counting": self.counting,
        }  # fmt: skip
        return Model.model_validate(
            {
                "provider": "openai",
                "model": MODEL_ID,
                "parameters": {"temperature": 0, "max_completion_tokens": self.max_completion_tokens},
                "deployments": [deployment],
            }
        )


def open_run(
    store: Store, run_id: str, endpoints: Sequence[Endpoint], n_requests: int, *, shard_size: int | str = "auto"
) -> RunManifest:
    """Plan and open a run of at least `n_requests` distinct requests for each endpoint; keepers start on it at once."""
    staging = f"{run_paths.PRIVATE}/staging/{run_id}"
    inputs = _inputs(endpoints, n_requests, shard_size)
    manifest = write_plan(inputs, out_dir=store.path(staging), run_id=run_id, created_at=datetime.now(UTC))
    if not publish_run(store, staging, run_id):
        raise RuntimeError(f"there is a run {run_id} already")
    append_event(store, run_id, "opened", {"detached": True, "reused": 0})
    return manifest


def prompt_tokens(store: Store, run_id: str) -> tuple[int, int]:
    """Fewest and most tokens of a prompt of the run, as planned."""
    with open_table(store, run_paths.plan(run_id)) as file:
        column = file.read(columns=["prompt_tokens"])["prompt_tokens"]
    return pc.min(column).as_py(), pc.max(column).as_py()


def _inputs(endpoints: Sequence[Endpoint], n_requests: int, shard_size: int | str) -> PlanInputs:
    n_questions = min(QUESTIONS, n_requests)
    n = -(-n_requests // n_questions)
    fields = {f"F{i}": _variable(f"F{i}", f"Trait number {i} of the respondent", N_CODES) for i in range(N_FIELDS)}
    questions = {
        f"Q{i}": _variable(f"Q{i}", f"On topic {i}: {FILLER} What do you think?", N_OPTIONS) for i in range(n_questions)
    }
    answers = {q: Answers(pd.array([1] * n, dtype="Int32"), np.full(n, "answered")) for q in questions}
    study = Study.model_validate(
        {
            "study": "load",
            "survey": {"file": "none.csv", "respondent_id": "ID"},
            "persona": {"fields": list(fields)},
            "questions": {q: {} for q in questions},
            "arms": {e.name: {"model": e.name, "strategy": "basic"} for e in endpoints},
            "queue": {"shard_size": shard_size},
            "reuse": {"scope": "none"},
        }
    )
    return PlanInputs(
        study=study,
        models={e.name: e.model() for e in endpoints},
        prepared=Prepared(_respondents(n), Codebook(questions=questions, fields=fields), answers),
        survey_sha256="0" * 64,
        template=compile_template(None, fields, {}),
    )


def _respondents(n: int) -> pd.DataFrame:
    number = np.arange(n)
    columns = {f"F{i}": pd.array(1 + number // N_CODES**i % N_CODES, dtype="Int32") for i in range(N_FIELDS)}
    frame = pd.DataFrame({"respondent_id": [f"{i:07d}" for i in number], **columns})
    frame["weight"], frame["strata"], frame["cluster"], frame["split"] = 1.0, None, None, "test"
    return frame


def _variable(name: str, text: str, n_codes: int) -> CodedVariable:
    codes = list(range(1, n_codes + 1))
    labels = {code: f"answer {code} of the many there are" for code in codes}
    return CodedVariable(name=name, text=text, codes=codes, labels=labels, shown=codes)
