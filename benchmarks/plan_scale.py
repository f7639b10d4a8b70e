"""How long planning takes, and in how much memory.

    python benchmarks/plan_scale.py                        900,000 distinct requests, median prompt of 300 tokens
    python benchmarks/plan_scale.py --respondents 600
    NPORS_SAV=... python benchmarks/plan_scale.py --npors  Pew's file, five questions, from reading to run.json

Prints one JSON object: seconds on the clock, CPU seconds, peak resident memory, counts.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from producer.planning.files import write_plan
from producer.planning.inputs import PlanInputs, load_inputs
from producer.prompting.personas import compile_template
from schemas.codebook import Codebook, CodedVariable
from schemas.models import Model
from schemas.run import RunManifest
from schemas.study import Study
from survey.prepared import Answers, Prepared

N_FIELDS = 9
N_OPTIONS = 6
MODEL = {
    "provider": "azure_v1",
    "model": "gpt-4.1-mini",
    "parameters": {"temperature": 0, "max_completion_tokens": 8},
    "deployments": [
        {
            "name": "east",
            "base_url": "https://east.example.com/openai/v1",
            "auth": "none",
            "rpm": 6000,
            "tpm": 1_200_000,
        }
    ],
}
NPORS_FIELDS = ["AGE", "GENDER", "RACETHN", "BIRTHPLACE", "MARITAL", "EDUCATION", "INC_SDT1", "DIVISION", "METRO"]
FILLER = "Some people hold one view of this matter and others hold quite another, and both sides give reasons for it."


def synthetic_inputs(n_respondents: int, n_questions: int, n_arms: int) -> PlanInputs:
    """A study whose respondents all differ."""
    rng = np.random.default_rng(7)
    fields = {f"F{i}": _variable(f"F{i}", f"Trait number {i} of the respondent", 40) for i in range(N_FIELDS)}
    questions = {
        f"Q{i}": _variable(f"Q{i}", f"On topic {i}: {FILLER} What do you think?", N_OPTIONS) for i in range(n_questions)
    }
    codes = rng.integers(1, 41, size=(n_respondents, N_FIELDS))
    codes[:, 0], codes[:, 1] = 1 + np.arange(n_respondents) % 40, 1 + np.arange(n_respondents) // 40 % 40
    codes[:, 2] = 1 + np.arange(n_respondents) // 1600 % 40
    frame = pd.DataFrame({f"F{i}": pd.array(codes[:, i], dtype="Int32") for i in range(N_FIELDS)})
    frame.insert(0, "respondent_id", [f"{i:07d}" for i in range(n_respondents)])
    frame["weight"], frame["strata"], frame["cluster"] = 1.0, None, None
    frame["split"] = np.where(np.arange(n_respondents) % 5 == 0, "test", "train")
    answers = {
        q: Answers(
            pd.array(rng.integers(1, N_OPTIONS + 1, n_respondents), dtype="Int32"),
            np.full(n_respondents, "answered"),
        )
        for q in questions
    }
    arms = {"basic": {"model": "mini", "strategy": "basic"}}
    if n_arms > 1:
        arms["few_shot"] = {"model": "mini", "strategy": "few_shot", "match": ["F0", "F1"]}
    study = Study.model_validate(
        {
            "study": "scale",
            "survey": {"file": "none.csv", "respondent_id": "ID"},
            "persona": {"fields": list(fields)},
            "questions": {q: {} for q in questions},
            "arms": arms,
        }
    )
    return PlanInputs(
        study=study,
        models={"mini": Model.model_validate(MODEL)},
        prepared=Prepared(frame, Codebook(questions=questions, fields=fields), answers),
        survey_sha256="0" * 64,
        template=compile_template(None, fields, {}),
    )


def _variable(name: str, text: str, n_codes: int) -> CodedVariable:
    codes = list(range(1, n_codes + 1))
    labels = {code: f"answer {code} of the many there are" for code in codes}
    return CodedVariable(name=name, text=text, codes=codes, labels=labels, shown=codes)


def npors_inputs(path: Path) -> PlanInputs:
    """Five questions of NPORS 2024 with the arm basic, read from Pew's file."""
    from survey.files import read_survey  # noqa: PLC0415 - part of what is measured
    from survey.prepare import prepare  # noqa: PLC0415

    study = Study.model_validate(
        {
            "study": "npors2024",
            "survey": {"file": str(path), "respondent_id": "RESPID", "weight": "WEIGHT"},
            "missing": {"default": {"refused": [99]}, "AGE": {"refused": [99], "keep": [98]}},
            "persona": {"fields": NPORS_FIELDS},
            "questions": {q: {} for q in ("ECON1MOD", "UNITY", "GPT1", "MOREGUNIMPACT", "GAMBLERESTR")},
            "arms": {"basic": {"model": "mini", "strategy": "basic"}},
        }
    )
    data = read_survey(path)
    models = {"mini": Model.model_validate(MODEL)}
    return load_inputs(study, models, prepare(study, data), survey_sha256=data.sha256, folder=path.parent)


def measure(inputs: PlanInputs, out_dir: Path) -> dict[str, float | int]:
    """Plan and say what it took."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    manifest = write_plan(inputs, out_dir=out_dir, run_id="scale-1", created_at=datetime.now(UTC))
    return {
        "plan_s": round(time.perf_counter() - started_s, 2),
        "plan_cpu_s": round(time.process_time() - cpu_s, 2),
        **_counts(manifest, out_dir),
    }


def _counts(manifest: RunManifest, out_dir: Path) -> dict[str, float | int]:
    file = pq.ParquetFile(out_dir / "plan.parquet")
    tokens = file.read(columns=["prompt_tokens"])["prompt_tokens"].to_numpy()
    return {
        "n_tasks": manifest.totals.n_tasks,
        "n_requests": manifest.totals.n_requests,
        "n_shards": manifest.totals.n_shards,
        "n_row_groups": file.num_row_groups,
        "median_prompt_tokens": float(statistics.median(tokens)),
        "plan_mb": round((out_dir / "plan.parquet").stat().st_size / 1e6, 1),
        "tasks_mb": round((out_dir / "tasks.parquet").stat().st_size / 1e6, 1),
    }


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--respondents", type=int, default=6000)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--few-shot", action="store_true", help="a second arm with three examples")
    parser.add_argument("--npors", action="store_true", help="plan the file named by NPORS_SAV instead")
    args = parser.parse_args()
    started_s, cpu_s = time.perf_counter(), time.process_time()
    if args.npors:
        inputs = npors_inputs(Path(os.environ["NPORS_SAV"]).resolve(strict=True))
    else:
        inputs = synthetic_inputs(args.respondents, args.questions, 2 if args.few_shot else 1)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(inputs, Path(folder) / "run")
    found["total_s"] = round(time.perf_counter() - started_s, 2)
    found["total_cpu_s"] = round(time.process_time() - cpu_s, 2)
    found["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
