"""A small synthetic run folder: run.json, codebook.json, respondents.parquet, predictions.parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import run_paths, tables
from schemas.codebook import Codebook, CodedVariable
from schemas.run import PlanTotals, RunManifest
from schemas.study import Study
from storage.store import Store

NO_ANSWER = 0
"""In `answers` and `truth`: no code; real codes here are never 0."""


def variable(name: str, codes: Sequence[int], **more: Any) -> CodedVariable:
    """A question or field with labels made from its codes."""
    labels = {code: f"{name} {code}" for code in codes}
    return CodedVariable(**{"name": name, "codes": list(codes), "labels": labels, **more})


@dataclass
class ArmRows:
    """Predictions of one arm on one question; arrays have one entry a respondent.

    `answers` uses NO_ANSWER for none; `status` defaults to answered or unparsed; `rows` keeps some respondents only.
    """

    answers: Sequence[int]
    status: Sequence[str] | None = None
    rows: Sequence[int] | None = None
    fingerprint: str | None = None
    transport: str = "online"
    in_sample: bool = False
    probabilities: Sequence[Mapping[int, float] | None] | None = None


@dataclass
class RunFolder:
    """Everything a run folder for an evaluation is made of.

    Attributes:
        truth: question -> code per respondent, NO_ANSWER where none; `truth_status` then says why.
        arms: arm -> question -> its predictions.
        fields: persona field -> code per respondent, None where missing.
    """

    questions: Sequence[CodedVariable]
    truth: Mapping[str, Sequence[int]]
    arms: Mapping[str, Mapping[str, ArmRows]]
    fields: Mapping[str, Sequence[int | None]]
    weights: Sequence[float] | None = None
    truth_status: Mapping[str, Sequence[str]] = field(default_factory=dict)
    split: Sequence[str] | None = None
    numeric: Sequence[str] = ()
    field_variables: Mapping[str, CodedVariable] | None = None
    bootstrap: int = 200
    run_id: str = "run-1"
    strata: Sequence[str] | None = None
    cluster: Sequence[str] | None = None
    groups: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    evaluate: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(next(iter(self.truth.values())))

    @property
    def respondent_ids(self) -> list[str]:
        return [f"r{i:06d}" for i in range(self.n)]

    def write(self, root: Path) -> Store:
        """Write the folder and return its store."""
        store = Store(root)
        store.put_if_absent(run_paths.run_json(self.run_id), self._manifest().model_dump_json(by_alias=True).encode())
        codebook = Codebook(questions={q.name: q for q in self.questions}, fields=self._field_variables())
        store.put_if_absent(run_paths.codebook(self.run_id), codebook.model_dump_json().encode())
        pq.write_table(self._respondents(), store.path(run_paths.respondents(self.run_id)))
        pq.write_table(self.predictions(), store.path(run_paths.predictions(self.run_id)))
        return store

    def predictions(self) -> pa.Table:
        """predictions.parquet as it is written."""
        pieces = [self._cell(arm, q, rows) for arm, by in self.arms.items() for q, rows in by.items()]
        return pa.concat_tables(pieces) if pieces else tables.PREDICTIONS.empty_table()

    def _field_variables(self) -> dict[str, CodedVariable]:
        if self.field_variables is not None:
            return dict(self.field_variables)
        named = {**self.fields, **self.groups}
        kinds = {name: "numeric" if name in self.numeric else "single" for name in named}
        codes = {name: sorted({c for c in named[name] if c is not None}) for name in named}
        return {
            name: variable(name, [] if kind == "numeric" else codes[name], kind=kind) for name, kind in kinds.items()
        }

    def _manifest(self) -> RunManifest:
        study = Study.model_validate(
            {
                "study": "toy",
                "survey": {"file": "toy.csv", "respondent_id": "ID"},
                "persona": {"fields": list(self.fields)},
                "questions": {q.name: {} for q in self.questions},
                "arms": {arm: {"import": "earlier.csv"} for arm in self.arms},
                "evaluate": {"bootstrap": self.bootstrap, "subgroups": list(self.groups), **self.evaluate},
            }
        )
        totals = PlanTotals(
            n_respondents=self.n, n_tasks=0, n_requests=0, n_shards=0, prompt_tokens=0, completion_tokens=0
        )
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return RunManifest(run_id=self.run_id, created_at=now, study=study, models={}, totals=totals)

    def _respondents(self) -> pa.Table:
        columns: dict[str, Any] = {"respondent_id": self.respondent_ids, "weight": self._weights()}
        for name, values in (("strata", self.strata), ("cluster", self.cluster)):
            columns[name] = pa.array([None] * self.n if values is None else list(values), pa.string())
        coded_fields = {**self.fields, **self.groups}
        columns |= {name: pa.array(list(codes), pa.int32()) for name, codes in coded_fields.items()}
        format_no = {tables.FORMAT_KEY: str(tables.FORMAT_NO)}
        return pa.table(columns).replace_schema_metadata(format_no)

    def _weights(self) -> np.ndarray:
        return np.ones(self.n) if self.weights is None else np.asarray(self.weights, dtype=float)

    def _cell(self, arm: str, question: str, cell: ArmRows) -> pa.Table:
        rows = np.arange(self.n) if cell.rows is None else np.asarray(cell.rows)
        answers, truth = np.asarray(cell.answers)[rows], np.asarray(self.truth[question])[rows]
        default = np.where(answers == NO_ANSWER, "unparsed", "answered")
        status = default if cell.status is None else np.asarray(cell.status)[rows]
        why = self.truth_status.get(question, np.where(truth_all(self.truth[question]), "answered", "refused"))
        ids = np.asarray(self.respondent_ids)[rows]
        split = np.full(self.n, "train") if self.split is None else np.asarray(self.split)
        known: dict[str, Any] = {
            "run_id": self.run_id,
            "task_id": [f"{arm}/{question}/{r}" for r in ids],
            "respondent_id": ids.tolist(),
            "question_id": question,
            "arm": arm,
            "repeat": 0,
            "transport": cell.transport,
            "system_fingerprint": cell.fingerprint,
            "status": status.tolist(),
            "answer": coded(answers),
            "truth": coded(truth),
            "truth_status": np.asarray(why)[rows].tolist(),
            "weight": self._weights()[rows],
            "split": split[rows].tolist(),
            "in_sample": cell.in_sample,
            "probabilities": maps(cell.probabilities, rows),
        }
        return pa.Table.from_arrays(
            [column(f, known.get(f.name), len(rows)) for f in tables.PREDICTIONS], schema=tables.PREDICTIONS
        )


def truth_all(truth: Sequence[int]) -> np.ndarray:
    """Where there is a code."""
    return np.asarray(truth) != NO_ANSWER


def coded(codes: np.ndarray) -> pa.Array:
    """Codes with null for NO_ANSWER."""
    return pa.array(codes.astype(np.int32), pa.int32(), mask=codes == NO_ANSWER)


def maps(probabilities: Sequence[Mapping[int, float] | None] | None, rows: np.ndarray) -> list[Any] | None:
    """Map entries of some respondents."""
    if probabilities is None:
        return None
    picked = [probabilities[i] for i in rows]
    return [None if p is None else list(p.items()) for p in picked]


def column(of: pa.Field, value: Any, n: int) -> pa.Array:
    """A column of n values: as given, repeated, or a plain default."""
    if isinstance(value, pa.Array):
        return value
    if isinstance(value, (list, np.ndarray)):
        return pa.array(value, of.type)
    if value is None and of.nullable:
        return pa.nulls(n, of.type)
    if value is None:
        value = [] if pa.types.is_list(of.type) else {pa.int32(): 0, pa.float64(): 0.0}.get(of.type, "")
    return pa.repeat(pa.scalar(value, of.type), n)
