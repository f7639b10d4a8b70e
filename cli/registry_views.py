"""The registry as tables and documents."""

from typing import Any

from cli.console import out
from cli.text_table import print_table
from schemas.errors import UserInputError
from schemas.tuning import RegisteredModel, Registry


def parsed_share(text: str) -> float:
    """A share: `10%`, or `0.1`.

    Raises:
        UserInputError: neither.
    """
    bare = text.strip()
    try:
        return float(bare.removesuffix("%")) / (100 if bare.endswith("%") else 1)
    except ValueError as e:
        raise UserInputError(f"{text!r} is no share.", where="--share", hint="Write 10%.") from e


def models_document(registry: Registry) -> list[dict[str, Any]]:
    """All models for --json."""
    return [_summary(name, model) for name, model in sorted(registry.models.items())]


def show_models(document: list[dict[str, Any]]) -> None:
    """All models as a table."""
    if not document:
        text = "No model is registered in this store; `nightpoll finetune deploy JOB --register NAME` adds one."
        out.print(text, markup=False)
        return
    rows = [
        [m["name"], m["live"] or "-", m["rollout"] or "", str(len(m["versions"])), m["model"] or ""] for m in document
    ]
    print_table("", ["name", "live", "rollout", "versions", "model"], rows, right=(3,))


def model_document(registry: Registry, name: str) -> dict[str, Any]:
    """One model for --json.

    Raises:
        UserInputError: it is not registered.
    """
    model = registry.models.get(name)
    if model is None:
        known = ", ".join(sorted(registry.models)) or "none yet"
        raise UserInputError(f"no model is registered as {name!r}.", hint=f"Registered: {known}.")
    return _summary(name, model)


def show_model(document: dict[str, Any]) -> None:
    """One model as a table."""
    rows = [
        [v["version"], v["state"], v["added_at"][:16].replace("T", " "), _usd(v["cost_usd"]), v["job"], v["model"]]
        for v in document["versions"]
    ]
    headers = ["version", "state", "added (UTC)", "training US$", "job", "model"]
    print_table(document["name"], headers, rows, right=(3,))
    for version in document["versions"]:
        if version["evaluation"]:
            out.print(f"{version['version']}: {version['evaluation'].get('sentence', '')}", markup=False)
        if version["reason"]:
            out.print(f"{version['version']}: forced: {version['reason']}", style="yellow", markup=False)
    if document["rollout"]:
        out.print(f"rollout: {document['rollout']}", markup=False)


def _summary(name: str, model: RegisteredModel) -> dict[str, Any]:
    live = model.live()
    rolling = None if model.rollout is None else f"{model.rollout[0]} for {model.rollout[1]:.0%}"
    return {
        "name": name,
        "live": None if live is None else live.version,
        "model": None if live is None else live.model,
        "rollout": rolling,
        "previous": model.previous,
        "versions": [v.model_dump(mode="json", exclude={"entry"}) for v in model.versions],
    }


def _usd(value: float | None) -> str:
    return "?" if value is None else f"{value:,.2f}"
