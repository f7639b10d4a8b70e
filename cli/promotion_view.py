"""Promotion and comparison: from an evaluation of a run to a verdict, kept with the version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow.compute as pc

from cli.console import out
from cli.evaluation_view import evaluated
from cli.text_table import print_table
from evaluation.held_out import Gap, HeldOut, held_out
from finetuning.promotion import Difference, Evidence, Verdict, judge
from finetuning.registry import promote
from schemas import run_paths
from schemas.errors import UserInputError
from storage.parts import read_table
from storage.runs import load_manifest
from storage.store import Store
from storage.tuning_records import load_registry

_LATENCY_PERCENTILES = {"latency_median_s": 50, "latency_p95_s": 95}


@dataclass(frozen=True)
class Rule:
    """How a promotion is judged."""

    run: str | None
    arm: str | None
    against: str | None
    margin_points: float
    margin: float
    force: str | None


def promote_version(store: Store, name: str, version: str, rule: Rule) -> dict[str, Any]:
    """Judge and promote; what was decided, with the figures.

    Raises:
        UserInputError: no such version, or neither a run nor a reason.
    """
    model = load_registry(store).models.get(name)
    found = None if model is None else model.version(version)
    if model is None or found is None:
        raise UserInputError(f"there is no {name}@{version}.", hint="`nightpoll models list` shows them.")
    if rule.run is None:
        if rule.force is None:
            hint = "`--run RUN` of a run that asked it and its rival on held-out respondents, or `--force REASON`."
            raise UserInputError("a promotion needs an evaluation.", where="--run", hint=hint)
        verdict, figures = Verdict("unsound", "no evaluation was given."), {}
    else:
        arm = rule.arm if rule.arm is not None else _arm_of(store, rule.run, f"{name}@{version}")
        live = model.live()
        against = rule.against
        if against is None:
            against = _arm_of(store, rule.run, f"{name}@{live.version}") if live is not None else "baseline:logit"
        seen = held_out(evaluated(store, rule.run, ("test",)), arm, against)
        verdict = judge(
            _evidence(seen),
            candidate_is_simulated=found.simulated,
            margin_points=rule.margin_points,
            margin=rule.margin,
        )
        figures = {"run": rule.run, "arm": arm, "against": against, **_figures(seen)}
    kept = {**figures, "outcome": verdict.outcome, "sentence": verdict.sentence}
    promoted = verdict.passes or rule.force is not None
    if promoted:
        promote(store, name, version, verdict=verdict, evaluation=kept, now=datetime.now(UTC), reason=rule.force or "")
    said = "is live" if promoted else "is not promoted"
    return {**kept, "promoted": promoted, "sentence": f"{name}@{version} {said}: {verdict.sentence}"}


def compared(store: Store, run: str, arm: str, against: str) -> dict[str, Any]:
    """Two arms side by side on the test respondents.

    Raises:
        UserInputError: the run has no such arms.
    """
    seen = held_out(evaluated(store, run, ("test",)), arm, against)
    return {"run": run, "arm": arm, "against": against, **_figures(seen), "usage": _usage(store, run, (arm, against))}


def show_comparison(document: Mapping[str, Any]) -> None:
    """The comparison for people."""
    for key in ("accuracy", "second"):
        gap = document[key]
        if gap is not None:
            text = f"{gap['measure']}: {gap['value']:+.4f} (95 % {gap['low']:+.4f} to {gap['high']:+.4f})"
            out.print(f"{document['arm']} minus {document['against']}, {text}", markup=False)
    rows = [[arm, *(f"{value:,.4g}" for value in usage.values())] for arm, usage in document["usage"].items()]
    headers = ["arm", *next(iter(document["usage"].values()))]
    print_table("", headers, rows, right=tuple(range(1, len(headers))))


def _arm_of(store: Store, run: str, version: str) -> str:
    manifest = load_manifest(store, run)
    names = {name for name, model in manifest.models.items() if model.version == version}
    arms = [name for name, arm in manifest.study.arms.items() if arm.model in names]
    if len(arms) != 1:
        hint = f"Arms: {', '.join(manifest.study.arms)}."
        raise UserInputError(f"{len(arms) or 'no'} arms of the run ask {version}.", where="--arm", hint=hint)
    return arms[0]


def _evidence(seen: HeldOut) -> Evidence:
    second = None if seen.second is None else Difference(*seen.second)
    flags = seen.new_flags
    return Evidence(Difference(*seen.accuracy), second, flags, seen.n, seen.n_in_sample, seen.simulated)


def _figures(seen: HeldOut) -> dict[str, Any]:
    def told(gap: Gap | None) -> dict[str, Any] | None:
        return None if gap is None else gap._asdict()

    return {
        "n": seen.n,
        "accuracy": told(seen.accuracy),
        "second": told(seen.second),
        "new_flags": [f"{flag} at {question}" for question, flag in seen.new_flags],
        "simulated": seen.simulated,
    }


def _usage(store: Store, run: str, arms: tuple[str, str]) -> dict[str, dict[str, float]]:
    columns = ["arm", "split", "prompt_tokens", "completion_tokens", "cost_usd", "latency_s"]
    table = read_table(store, run_paths.predictions(run), columns)
    table = table.filter(pc.equal(table["split"], "test"))
    found = {}
    for arm in arms:
        mine = table.filter(pc.equal(table["arm"], arm))
        latency = mine["latency_s"].drop_null().to_numpy()
        found[arm] = {
            "predictions": float(len(mine)),
            "prompt_tokens": float(pc.mean(mine["prompt_tokens"]).as_py() or 0),
            "completion_tokens": float(pc.mean(mine["completion_tokens"]).as_py() or 0),
            "cost_usd": float(pc.sum(mine["cost_usd"]).as_py() or 0),
            **{n: float(np.percentile(latency, p)) if latency.size else 0.0 for n, p in _LATENCY_PERCENTILES.items()},
        }
    return found
