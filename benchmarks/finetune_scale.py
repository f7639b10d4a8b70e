"""A million training lines: prepared from a plan and checked, in seconds and MB.

    python -m benchmarks.finetune_scale [LINES]

The plan is made up: LINES / 10 respondents with ten questions each, written as `prepare` reads it.
"""

import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from finetuning.checking.check_file import check_file
from finetuning.preparing.prepare import PrepareOptions, prepare
from schemas import run_paths, tables
from schemas.codebook import Codebook, CodedVariable
from schemas.identity import canonical_json, digest
from schemas.models import Deployment, Model
from schemas.run import PlanTotals, RunManifest
from schemas.study import Study
from storage.store import Store

N_QUESTIONS = 10
AT_ONCE = 2_000
MOST_S, MOST_MB = 90.0, 1000.0
_NOW = datetime(2026, 11, 22, tzinfo=UTC)
_STATES = ("Ohio", "Texas", "Maine", "Utah", "Iowa", "Oregon")


def main() -> int:
    """Make, measure, print; 1 if a bound is broken."""
    n_lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    found = {"lines": n_lines}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _write_plan(root, n_lines)
        for name in ("prepare", "check"):
            with get_context("spawn").Pool(1) as pool:  # a process of its own, so that its peak is its own
                found |= {f"{name}_{key}": value for key, value in pool.apply(_measured, (name, root)).items()}
    print(json.dumps(found, indent=1))
    ok = all(found[f"{n}_s"] < MOST_S and found[f"{n}_mb"] < MOST_MB for n in ("prepare", "check"))
    return 0 if ok else 1


def _measured(name: str, root: Path) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    if name == "prepare":
        manifest = prepare(Store(root), "run", "basic", root / "out", options=PrepareOptions(), now=_NOW)
        n = manifest.training.n_lines
    else:
        n = check_file(root / "out" / "training.jsonl", model="gpt-4.1-mini").n_examples
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"s": round(took, 1), "cpu_s": round(used, 1), "mb": round(peak), "n": n}


def _write_plan(root: Path, n_lines: int) -> None:
    store, questions = Store(root), {f"Q{i}": _question(i) for i in range(N_QUESTIONS)}
    store.path("run").mkdir()
    study = Study.model_validate(
        {
            "study": "scale",
            "survey": {"file": "x.csv", "respondent_id": "ID"},
            "persona": {"fields": ["AGE"]},
            "questions": {name: {} for name in questions},
            "arms": {"basic": {"model": "mini", "strategy": "basic"}},
        }
    )
    served = Deployment(name="d", base_url="http://127.0.0.1:1", auth="none", rpm=1)
    totals = PlanTotals(n_respondents=0, n_tasks=0, n_requests=0, n_shards=0, prompt_tokens=0, completion_tokens=0)
    run = RunManifest(
        run_id="run", created_at=_NOW, study=study, totals=totals, hashes={"plan": "", "survey": ""},
        models={"mini": Model(provider="openai", model="gpt-4.1-mini", deployments=[served])},
    )  # fmt: skip
    store.path(run_paths.run_json("run")).write_text(run.model_dump_json(by_alias=True))
    store.path(run_paths.codebook("run")).write_text(Codebook(questions=questions).model_dump_json())
    _write_rows(store, n_lines // N_QUESTIONS, questions)


def _question(i: int) -> CodedVariable:
    labels = {code: f"Answer {code} of question {i}, as it stands in a codebook" for code in (1, 2, 3, 4)}
    return CodedVariable(name=f"Q{i}", text=f"What do you think of subject {i}?", codes=[1, 2, 3, 4], labels=labels)


def _write_rows(store: Store, n_people: int, questions: dict[str, CodedVariable]) -> None:
    plan_path, tasks_path = (store.path(of("run")) for of in (run_paths.plan, run_paths.tasks))
    with pq.ParquetWriter(plan_path, tables.PLAN) as plan, pq.ParquetWriter(tasks_path, tables.TASKS) as tasks:
        for first in range(0, n_people, AT_ONCE):
            rows = [
                _rows(who, name, q)
                for who in range(first, min(first + AT_ONCE, n_people))
                for name, q in questions.items()
            ]
            plan.write_table(pa.Table.from_pylist([r for r, _ in rows], schema=tables.PLAN))
            tasks.write_table(pa.Table.from_pylist([t for _, t in rows], schema=tables.TASKS))


def _rows(who: int, name: str, question: CodedVariable) -> tuple[dict[str, object], dict[str, object]]:
    options = "\n".join(f"{code}. {label}" for code, label in question.labels.items())
    persona = "\n".join(
        [
            f"You are {18 + who % 80} years old.", f"You are a {'woman' if who % 2 else 'man'}.",
            f"You live in {_STATES[who % 6]}, in area {who // 480}.", f"Your household has {1 + who % 7} members.",
            f"Your family's income in 2023, before taxes: about ${10 * (who % 13)},000.",
        ]
    )  # fmt: skip
    text = f"{persona}\n\nQuestion: {question.text}\n{options}\nAnswer with the number of one option only."
    system = "You are taking part in a survey as the person described below. Answer as this person would answer."
    turns = canonical_json([[{"role": "system", "content": system}, {"role": "user", "content": text}]])
    request_id = digest(who, name)
    request = {
        "request_id": request_id, "model": "mini", "turns": turns, "parameters": "{}", "answer_format": "number",
        "prompt_tokens": 150, "completion_tokens": 2, "max_tokens": 166, "shard": 0,
    }  # fmt: skip
    task = {
        "task_id": digest("t", who, name), "respondent_id": str(who), "question_id": name, "arm": "basic", "repeat": 0,
        "request_id": request_id, "option_order": [1, 2, 3, 4], "truth": 1 + (who * 7 + len(name) + who // 11) % 4,
        "truth_status": "answered", "weight": 1.0, "split": "train",
    }  # fmt: skip
    return request, task


if __name__ == "__main__":
    sys.exit(main())
