"""The registry as tables and documents."""

import math
from datetime import datetime
from typing import Any

from cli.tuning.dates import date_of, shutdown_warnings
from cli.views.console import out
from cli.views.hosting import hosting_of
from cli.views.text_table import print_table
from schemas.errors import UserInputError
from schemas.tuning import RegisteredModel, Registry
from storage.store import Store


def parsed_share(text: str) -> float:
    """A share: `10%`, or `0.1`.

    Raises:
        UserInputError: neither, or a bare number from 1 on, which may mean per cent or a multiple.
    """
    bare = text.strip()
    try:
        share = float(bare.removesuffix("%")) / (100 if bare.endswith("%") else 1)
    except ValueError as e:
        raise UserInputError(f"{text!r} is no share.", where="--share", hint="Write 10%.") from e
    if 1 <= share < math.inf and not bare.endswith("%"):
        hint = f"Write {bare}% for {bare} of a hundred respondents, 100% for all."
        raise UserInputError(f"{text!r} has no % sign: of a hundred, or of one?", where="--share", hint=hint)
    return share


def models_document(store: Store, registry: Registry, now: datetime) -> list[dict[str, Any]]:
    """All models for --json."""
    return [_summary(store, name, model, now) for name, model in sorted(registry.models.items())]


def show_models(document: list[dict[str, Any]]) -> None:
    """All models as a table."""
    if not document:
        text = "No model is registered in this store; `nightpoll finetune deploy JOB --register NAME` adds one."
        out.print(text, markup=False)
        return
    rows = [
        [
            m["name"], m["live"] or "-", m["rollout"] or "", str(len(m["versions"])), _usd(m["cost_usd"]),
            _hourly(m["hosting_usd_per_hour"]), m["model"] or "",
        ]
        for m in document
    ]  # fmt: skip
    headers = ["name", "live", "rollout", "versions", "US$ so far", "US$ an hour", "model"]
    print_table("", headers, rows, right=(3, 4, 5))
    _warn(document)


def model_document(store: Store, registry: Registry, name: str, now: datetime) -> dict[str, Any]:
    """One model for --json.

    Raises:
        UserInputError: it is not registered.
    """
    model = registry.models.get(name)
    if model is None:
        known = ", ".join(sorted(registry.models)) or "none yet"
        raise UserInputError(f"no model is registered as {name!r}.", hint=f"Registered: {known}.")
    return _summary(store, name, model, now)


def show_model(document: dict[str, Any]) -> None:
    """One model as a table."""
    rows = [
        [
            v["version"], v["state"], v["added_at"][:16].replace("T", " "), _usd(v["cost_usd"]),
            "" if v["hosting"] is None else _usd(v["hosting"]["usd"]),
            "" if v["hosting"] is None else _hourly(v["hosting"]["usd_per_hour"]), v["retires_on"] or "", v["job"],
            v["model"],
        ]
        for v in document["versions"]
    ]  # fmt: skip
    headers = [
        "version",
        "state",
        "added (UTC)",
        "training US$",
        "hosting US$",
        "US$ an hour",
        "shut down on",
        "job",
        "model",
    ]
    print_table(document["name"], headers, rows, right=(3, 4, 5))
    _warn([document])
    for version in document["versions"]:
        if version["evaluation"]:
            out.print(f"{version['version']}: {version['evaluation'].get('sentence', '')}", markup=False)
        if version["reason"]:
            out.print(f"{version['version']}: forced: {version['reason']}", style="yellow", markup=False)
    if document["rollout"]:
        out.print(f"rollout: {document['rollout']}", markup=False)


def _warn(documents: list[dict[str, Any]]) -> None:
    for sentence in (sentence for document in documents for sentence in document["shutdowns"]):
        out.print(sentence, style="yellow", markup=False)
    for version in (v for document in documents for v in document["versions"]):
        for warning in [] if version["hosting"] is None else version["hosting"]["warnings"]:
            out.print(warning, style="yellow", markup=False)


def _summary(store: Store, name: str, model: RegisteredModel, now: datetime) -> dict[str, Any]:
    live, hosting = model.live(), hosting_of(store, model, now)
    trained = {v.job: v.cost_usd for v in model.versions if v.cost_usd is not None}  # one training, also of checkpoints
    known = list(trained.values())
    known += [each["usd"] for each in hosting.values()]
    rolling = None if model.rollout is None else f"{model.rollout[0]} for {model.rollout[1]:.0%}"
    return {
        "name": name,
        "live": None if live is None else live.version,
        "model": None if live is None else live.model,
        "rollout": rolling,
        "previous": model.previous,
        "cost_usd": sum(known) if known else None,
        "hosting_usd_per_hour": sum(each["usd_per_hour"] for each in hosting.values()),
        "versions": [
            v.model_dump(mode="json", exclude={"entry"}) | date_of(v) | {"hosting": hosting.get(v.version)}
            for v in model.versions
        ],
        "shutdowns": shutdown_warnings(name, model),
    }


def _usd(value: float | None) -> str:
    return "?" if value is None else f"{value:,.2f}"


def _hourly(value: float) -> str:
    return f"{value:,.2f}" if value else ""
