"""The life of a registered model: added, promoted, rolled out to a share, rolled back, retired."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from finetuning.deployments.serving import FRESH
from finetuning.deployments.tuned_entry import tuned_entry
from finetuning.versions.promotion import Verdict
from schemas.errors import UserInputError
from schemas.tuning import ModelVersion, RegisteredModel, Registry, TuningLedger
from storage.store import Store
from storage.tuning_records import change_registry

_REOPEN = "`nightpoll finetune deploy JOB --register NAME` makes it a candidate again."
_NAME = re.compile(r"\w[\w.-]{0,63}")


def check_name(name: str) -> None:
    """The rule for the name of a registered model, which studies and NAME@VERSION write.

    Raises:
        UserInputError: it breaks it.
    """
    if not _NAME.fullmatch(name):
        hint = "Letters, digits, '-', '_' and '.', at most 64, a letter or digit first."
        raise UserInputError(f"{name!r} cannot name a model.", where="--register", hint=hint)


def add_version(
    store: Store,
    name: str,
    ledger: TuningLedger,
    *,
    model: str,
    deployment: str | None,
    cost_usd: float | None,
    now: datetime,
) -> ModelVersion:
    """Register a job's model, or its checkpoint, as a candidate; the same model again is the same version.

    A retired version that is registered again is a candidate again, whose promotion needs an evaluation as before.

    Args:
        store: with the registry.
        name: of the registered model.
        ledger: of the job.
        model: tuned model's id.
        deployment: name on the wire; None: the model's id.
        cost_usd: of the training, None if unknown.
        now: aware.
    """
    added: list[ModelVersion] = []

    def edited(registry: Registry) -> Registry:
        known = registry.models.get(name, RegisteredModel())
        found = next((v for v in known.versions if v.model == model), None)
        label = f"{name}@{found.version if found else f'v{len(known.versions) + 1}'}"
        fresh_until = None if deployment is None else now + FRESH
        entry = tuned_entry(ledger, label, model, deployment, fresh_until=fresh_until)
        if found is not None:
            state = "candidate" if found.state == "retired" else found.state
            version = found.model_copy(update={"entry": entry, "state": state})
            kept = [version if v.version == version.version else v for v in known.versions]
        else:
            version = ModelVersion(
                version=f"v{len(known.versions) + 1}",
                model=model,
                base=ledger.model,
                entry=entry,
                job=ledger.key,
                manifest=ledger.manifest,
                unproven=ledger.unproven,
                hyperparameters=ledger.hyperparameters,
                cost_usd=cost_usd,
                simulated=ledger.simulated,
                added_at=now,
            )
            kept = [*known.versions, version]
        added[:] = [version]
        return _with(registry, name, known.model_copy(update={"versions": kept}))

    change_registry(store, edited)
    return added[0]


def promote(
    store: Store,
    name: str,
    version: str,
    *,
    verdict: Verdict,
    evaluation: dict[str, Any],
    now: datetime,
    reason: str = "",
) -> Registry:
    """Put a version into service; the one before is kept for a rollback.

    Args:
        store: with the registry.
        name: of the registered model.
        version: a candidate.
        verdict: of the evaluation; must allow it unless a reason is given.
        evaluation: figures that are kept with the version.
        now: aware.
        reason: why it is done all the same.

    Raises:
        UserInputError: no such version, or the verdict does not allow it.
    """
    if not verdict.passes and not reason:
        raise UserInputError(f"{name}@{version} is not promoted: {verdict.sentence}", hint="`--force REASON` does it.")

    def edited(model: RegisteredModel) -> RegisteredModel:
        new = _version(model, name, version)
        if new.state == "retired":
            raise UserInputError(f"{name}@{version} is retired.", where="--version", hint=_REOPEN)
        live = model.live()
        changed = {"state": "live", "evaluation": evaluation, "reason": reason, "promoted_at": now}
        kept = []
        for each in model.versions:
            if each.version == new.version:
                kept.append(each.model_copy(update=changed))
            elif each.state == "live":
                kept.append(each.model_copy(update={"state": "candidate"}))
            else:
                kept.append(each)
        previous = live.version if live is not None and live.version != version else model.previous
        return RegisteredModel(versions=kept, previous=previous, rollout=None)

    return _change(store, name, edited)


def rollout(store: Store, name: str, version: str, share: float) -> Registry:
    """Let a version answer for a share of respondents beside the live one; 0 ends it.

    Raises:
        UserInputError: no such version, none is live, or the share is none.
    """
    if not 0 <= share <= 1:
        raise UserInputError("the share must be from 0% to 100%.", where="--share", hint="Write 10%; 0% ends it.")

    def edited(model: RegisteredModel) -> RegisteredModel:
        found = _version(model, name, version)
        live = model.live()
        if live is None:
            raise UserInputError(f"{name} has no live version to roll out beside.", hint="Promote one first.")
        if live.version == version and share > 0:
            hint = f"`nightpoll models show {name}` lists the others; one of them can answer for a share beside it."
            raise UserInputError(f"{name}@{version} is live: it answers for all.", where="--version", hint=hint)
        if found.state == "retired":
            raise UserInputError(f"{name}@{version} is retired.", where="--version", hint=_REOPEN)
        return model.model_copy(update={"rollout": (version, share) if share > 0 else None})

    return _change(store, name, edited)


def rollback(store: Store, name: str) -> Registry:
    """End a rollout if there is one; else put the version before back into service.

    Raises:
        UserInputError: there is nothing to go back to.
    """

    def edited(model: RegisteredModel) -> RegisteredModel:
        if model.rollout is not None:
            return model.model_copy(update={"rollout": None})
        if model.previous is None:
            raise UserInputError(f"{name} has no earlier live version.", hint="`nightpoll models show` lists versions.")
        return _put_back(model, model.previous, name)

    return _change(store, name, edited)


def withdraw(store: Store, name: str, version: str) -> ModelVersion | None:
    """Roll back this very version, once: nothing changes if it is no longer asked.

    Args:
        store: with the registry.
        name: of the registered model.
        version: that failed, live or rolled out.

    Returns:
        The version in service afterwards; None if there is no other than the one that failed.
    """

    def edited(registry: Registry) -> Registry:
        model = registry.models.get(name)
        if model is None:
            return registry
        live, rolling = model.live(), None if model.rollout is None else model.rollout[0]
        if rolling == version and (live is None or live.version != version):
            return _with(registry, name, model.model_copy(update={"rollout": None}))
        if live is None or live.version != version or model.previous is None:
            return registry
        back = _put_back(model, model.previous, name)
        return _with(registry, name, back.model_copy(update={"previous": None}))  # never back to what failed

    after = change_registry(store, edited).models.get(name)
    live = None if after is None else after.live()
    return None if live is None or live.version == version else live


def retire(store: Store, name: str, version: str, *, live: bool = False) -> Registry:
    """Take a version out of use; runs planned with it keep it.

    Args:
        store: where the registry lies.
        name: of the model.
        version: of it.
        live: also the one in service: none is then, and studies that ask `name` are refused.

    Raises:
        UserInputError: no such version, or it is live.
    """

    def edited(model: RegisteredModel) -> RegisteredModel:
        found = _version(model, name, version)
        if found.state == "live" and not live:
            before = "" if model.previous is None else f"`nightpoll models rollback {name}`, or "
            hint = f"{before}promote another version first; `--live` leaves none in service."
            raise UserInputError(f"{name}@{version} is live.", hint=hint[0].upper() + hint[1:])
        rolling = (
            None
            if model.rollout is not None and (model.rollout[0] == version or found.state == "live")
            else model.rollout
        )
        kept = [v.model_copy(update={"state": "retired"}) if v.version == version else v for v in model.versions]
        previous = None if model.previous == version else model.previous
        return model.model_copy(update={"versions": kept, "rollout": rolling, "previous": previous})

    return _change(store, name, edited)


def _put_back(model: RegisteredModel, previous: str, name: str) -> RegisteredModel:
    now_live, before = model.live(), _version(model, name, previous)
    states = {before.version: "live"} | ({now_live.version: "candidate"} if now_live is not None else {})
    kept = [v.model_copy(update={"state": states.get(v.version, v.state)}) for v in model.versions]
    return RegisteredModel(versions=kept, previous=None if now_live is None else now_live.version, rollout=None)


def _version(model: RegisteredModel, name: str, version: str) -> ModelVersion:
    found = model.version(version)
    if found is None:
        known = ", ".join(v.version for v in model.versions)
        raise UserInputError(f"{name} has no version {version!r}.", where="--version", hint=f"There are: {known}.")
    return found


def _change(store: Store, name: str, edit: Callable[[RegisteredModel], RegisteredModel]) -> Registry:
    def edited(registry: Registry) -> Registry:
        if name not in registry.models:
            known = ", ".join(registry.models) or "none yet"
            raise UserInputError(f"no model is registered as {name!r}.", hint=f"Registered: {known}.")
        return _with(registry, name, edit(registry.models[name]))

    return change_registry(store, edited)


def _with(registry: Registry, name: str, model: RegisteredModel) -> Registry:
    return registry.model_copy(update={"models": {**registry.models, name: model}})
