"""Promotion: from an evaluation of a run to a verdict, kept with the version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

from cli.tuning.dates import refuse_retired
from cli.views.evaluation import evaluated
from evaluation.inference.held_out import Gap, HeldOut, held_out
from finetuning.versions.lineage import NO_MANIFEST
from finetuning.versions.promotion import Difference, Evidence, Verdict, judge
from finetuning.versions.registry import promote
from schemas.errors import UserInputError
from schemas.models import Model
from schemas.tuning import ModelVersion
from storage.runs import load_manifest
from storage.store import Store
from storage.tuning_records import load_registry


@dataclass(frozen=True)
class Rule:
    """How a promotion is judged."""

    run: str | None
    arm: str | None
    against: str | None
    margin_points: float
    margin: float
    margin_variation: float
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
    if rule.force is not None and not rule.force.strip():
        raise UserInputError("the reason is empty.", where="--force", hint="Say why: it is kept with the version.")
    refuse_retired(f"{name}@{version}", found.entry)
    if rule.run is None:
        if rule.force is None:
            hint = "`--run RUN` of a run that asked it and its rival on held-out respondents, or `--force REASON`."
            raise UserInputError("a promotion needs an evaluation.", where="--run", hint=hint)
        verdict, told = Verdict("unsound", "no evaluation was given."), {}
    else:
        arm = rule.arm if rule.arm is not None else _arm_of(store, rule.run, f"{name}@{version}")
        against = rule.against if rule.against is not None else _incumbent(store, rule.run, name, model.live(), found)
        seen = held_out(evaluated(store, rule.run, ("test",)), arm, against)
        verdict = judge(
            evidence(seen)._replace(unproven=_unproven(found)),
            candidate_is_simulated=found.simulated,
            margin_points=rule.margin_points,
            margin=rule.margin,
            margin_variation=rule.margin_variation,
        )
        told = {"run": rule.run, "arm": arm, "against": against, **figures(seen)}
    kept = {**told, "outcome": verdict.outcome, "sentence": verdict.sentence}
    promoted = verdict.passes or rule.force is not None
    if promoted:
        promote(store, name, version, verdict=verdict, evaluation=kept, now=datetime.now(UTC), reason=rule.force or "")
    said = "is live" if promoted else "is not promoted"
    return {**kept, "promoted": promoted, "sentence": f"{name}@{version} {said}: {verdict.sentence}"}


def _incumbent(store: Store, run: str, name: str, live: ModelVersion | None, found: ModelVersion) -> str:
    """The arm to beat: of the version in service, or else of the model that the candidate was tuned from."""
    if live is not None and live.version != found.version:
        return _arm_of(store, run, f"{name}@{live.version}")
    manifest = load_manifest(store, run)
    names = {entry for entry, model in manifest.models.items() if _is_base(model, found.base)}
    arms = [arm for arm, asked in manifest.study.arms.items() if asked.model in names]
    if len(arms) != 1:
        hint = f"`nightpoll models compare {name}@{found.version} BASE --study STUDY` asks both; `--against` names one."
        what = f"{len(arms) or 'no'} arms of the run ask {found.base}, which {name}@{found.version} was tuned from."
        raise UserInputError(what, where="--against", hint=hint)
    return arms[0]


def _unproven(version: ModelVersion) -> str:
    return NO_MANIFEST if version.manifest is None and not version.unproven else version.unproven


def _is_base(model: Model, base: str) -> bool:
    """A tuned version keeps its base's `tuning`: only an entry of the models file is told by it."""
    is_trained_so = model.version is None and model.tuning is not None and model.tuning.base == base
    return model.model == base or is_trained_so


def _arm_of(store: Store, run: str, version: str) -> str:
    manifest = load_manifest(store, run)
    names = {name for name, model in manifest.models.items() if model.version == version}
    arms = [name for name, arm in manifest.study.arms.items() if arm.model in names]
    if len(arms) != 1:
        hint = f"Arms: {', '.join(manifest.study.arms)}."
        raise UserInputError(f"{len(arms) or 'no'} arms of the run ask {version}.", where="--arm", hint=hint)
    return arms[0]


def evidence(seen: HeldOut) -> Evidence:
    """What a comparison on held-out respondents says, as promotions are judged by it."""
    second, flags = _difference(seen.second), seen.new_flags
    return Evidence(_difference(seen.accuracy), second, flags, seen.n, seen.n_in_sample, seen.simulated)


def _difference(gap: Gap) -> Difference:
    return Difference(gap.measure, gap.value, gap.low, gap.high)


def figures(seen: HeldOut) -> dict[str, Any]:
    """The comparison as a document, kept with a promoted version."""
    return {
        "n": seen.n,
        "accuracy": _told(seen.accuracy),
        "second": _told(seen.second),
        "new_flags": [f"{flag} at {question}" for question, flag in seen.new_flags],
        "excused": seen.excused,
        "simulated": seen.simulated,
    }


def _told(gap: Gap) -> dict[str, Any]:
    """A gap for JSON: what is undefined is null."""
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in gap._asdict().items()}


def excuse(document: Mapping[str, Any]) -> str:
    """What the evaluation flags and a promotion does not count, in a sentence; "" where there is nothing."""
    questions = document.get("excused")
    if not questions:
        return ""
    return (
        f"note: its likeliest answers are COLLAPSED at {', '.join(questions)}. That does not count: its probabilities "
        "are as varied as people, or the demographic logit collapses there, too."
    )
