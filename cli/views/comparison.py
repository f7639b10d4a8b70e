"""Two arms of a finished run side by side: figures, what they used, a verdict in the words of a promotion, examples."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cli.views.console import out
from cli.views.evaluation import evaluated
from cli.views.promotion import evidence, excuse, figures
from cli.views.text_table import print_table
from evaluation.inference.held_out import HeldOut, held_out
from finetuning.versions.promotion import judge
from schemas import run_paths
from schemas.tuning import LOG_LOSS, TOTAL_VARIATION
from storage.parts import read_table
from storage.runs import load_manifest
from storage.store import Store
from storage.tuning_records import load_registry

N_EXAMPLES = 5
_TURNED = {
    LOG_LOSS: "Log loss is turned: higher is better, in nats.",
    TOTAL_VARIATION: "Total variation from the humans' shares is turned: higher is better, 0 is none. It stands in for "
    "log loss where an arm has no probabilities.",
}
_OUTCOMES = {"unsound": "cannot be judged: "}
"""What comes before the sentence of an outcome that does not say itself what it is."""

_LATENCY_PERCENTILES = {"latency_median_s": 50, "latency_p95_s": 95}
_USED = ["arm", "split", "request_id", "transport", "status", "prompt_tokens", "completion_tokens", "cost_usd",
         "request_cost_usd", "latency_s"]  # fmt: skip
_SAID = ["arm", "split", "task_id", "respondent_id", "question_id", "repeat", "status", "answer_label", "truth_label"]


def compared(store: Store, run: str, arm: str, against: str) -> dict[str, Any]:
    """Two arms side by side on the test respondents.

    Raises:
        UserInputError: the run has no such arms.
    """
    seen = held_out(evaluated(store, run, ("test",)), arm, against)
    said = judge(evidence(seen), candidate_is_simulated=_is_simulated(store, run, arm, seen))
    return {
        "run": run, "arm": arm, "against": against, **figures(seen), "outcome": said.outcome,
        "sentence": said.sentence, "usage": _usage(store, run, (arm, against)),
        "examples": _examples(store, run, arm, against),
    }  # fmt: skip


def show_comparison(document: Mapping[str, Any]) -> None:
    """The comparison for people."""
    arm, against = document["arm"], document["against"]
    for key in ("accuracy", "second"):
        gap = document[key]
        if gap["low"] is None or gap["arm"] is None or gap["rival"] is None:
            out.print(f"{arm} minus {against}, {gap['measure']}: undefined", markup=False)
            continue
        text = f"{gap['measure']}: {gap['value']:+.4f} (95 % {gap['low']:+.4f} to {gap['high']:+.4f})"
        out.print(f"{arm} minus {against}, {text}; {gap['arm']:.4f} and {gap['rival']:.4f}", markup=False)
    out.print(_TURNED[document["second"]["measure"]], markup=False)
    if said := excuse(document):
        out.print(said, markup=False)
    rows = [[name, *(_number(value) for value in usage.values())] for name, usage in document["usage"].items()]
    headers = ["arm", *next(iter(document["usage"].values()))]
    print_table("", headers, rows, right=tuple(range(1, len(headers))))
    if document["examples"]:
        told = [[one["question_id"], one["arm"], one["against"], one["human"]] for one in document["examples"]]
        print_table("some answers", ["question", arm, against, "human"], told)
    out.print(f"{arm} against {against}: {_OUTCOMES.get(document['outcome'], '')}{document['sentence']}", markup=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}"


def _is_simulated(store: Store, run: str, arm: str, seen: HeldOut) -> bool:
    """Whether the arm's model is an emulator's own: a version as registered, anything else by who answered."""
    manifest = load_manifest(store, run)
    asked = manifest.study.arms[arm].model if arm in manifest.study.arms else None
    version = manifest.models[asked].version if asked is not None else None
    name, _, number = (version or "").partition("@")
    model = load_registry(store).models.get(name)
    found = None if model is None else model.version(number)
    return seen.simulated if found is None else found.simulated


def _usage(store: Store, run: str, arms: tuple[str, str]) -> dict[str, dict[str, float | None]]:
    """Per arm: tokens are a prediction's mean, cost the arm's bill, latency that of its distinct requests."""
    table = read_table(store, run_paths.predictions(run), _USED)
    table = table.filter(pc.equal(table["split"], "test"))
    return {arm: _used(table.filter(pc.equal(table["arm"], arm))) for arm in arms}


def _used(mine: pa.Table) -> dict[str, float | None]:
    requests = mine.group_by("request_id", use_threads=False).aggregate([("latency_s", "first")])
    latency = requests["latency_s_first"].drop_null().to_numpy()
    asked = mine.filter(pc.fill_null(pc.equal(mine["transport"], "online"), False))
    return {
        "predictions": float(len(mine)),
        "answered": float(pc.sum(pc.equal(mine["status"], "answered")).as_py() or 0),
        "requests": float(pc.count_distinct(mine["request_id"]).as_py()),
        "reused": float(len(mine) - len(asked)),
        "prompt_tokens": pc.mean(mine["prompt_tokens"]).as_py(),
        "completion_tokens": pc.mean(mine["completion_tokens"]).as_py(),
        "cost_usd": float(pc.sum(mine["cost_usd"]).as_py() or 0),
        **{n: float(np.percentile(latency, p)) if latency.size else None for n, p in _LATENCY_PERCENTILES.items()},
    }


def _examples(store: Store, run: str, arm: str, against: str) -> list[dict[str, str]]:
    """A few answers to the same question about the same respondent, those that differ first; nobody is named."""
    table = read_table(store, run_paths.predictions(run), _SAID)
    wanted = pc.and_(pc.equal(table["split"], "test"), pc.is_in(table["arm"], pa.array([arm, against])))
    rows = table.filter(wanted).to_pylist()
    key = ("respondent_id", "question_id", "repeat")
    other = {tuple(row[k] for k in key): row for row in rows if row["arm"] == against}
    pairs = [(row, other[at]) for row in rows if row["arm"] == arm and (at := tuple(row[k] for k in key)) in other]
    pairs.sort(key=lambda pair: (_said(pair[0]) == _said(pair[1]), pair[0]["task_id"]))
    return [
        {"question_id": a["question_id"], "arm": _said(a), "against": _said(b), "human": a["truth_label"] or "-"}
        for a, b in pairs[:N_EXAMPLES]
    ]


def _said(row: Mapping[str, Any]) -> str:
    return row["answer_label"] if row["answer_label"] is not None else f"({row['status']})"
