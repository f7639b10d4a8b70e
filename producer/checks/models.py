"""Checks of the models that arms use: endpoints, keys, identities, quota pools, prices."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from providers.prices import price_of
from providers.service import problems as service_problems
from schemas.errors import Problem
from schemas.models import Deployment, Model
from schemas.yaml_source import Source

WARN_BEFORE = timedelta(days=60)
"""A shutdown is told this long ahead."""
_CORRECT = (
    "Put another version into service. If the date has moved, correct `retires_on` of the base model's `tuning` in the "
    "models file and repeat `nightpoll finetune deploy JOB --register NAME`."
)
_LIMITS = ("rpm", "tpm", "quota_counting", "enqueued_tokens")
_BETWEEN_DEPLOYMENTS = frozenset({"duplicate_deployment", "mixed_services"})

Place = tuple[str, Deployment]
"""Dotted key of a deployment and the deployment."""


def model_problems(
    models: Mapping[str, Model], source: Source, environ: Mapping[str, str], *, has_budget: bool = False
) -> Iterator[Problem]:
    """What is wrong with models and their deployments.

    Args:
        models: those that arms use, by name.
        source: the models file.
        environ: environment variables; only whether they are set is looked at.
        has_budget: a bound on the bill needs a price for every model.
    """
    today = datetime.now(UTC).date()
    for name, model in models.items():
        yield from _services(name, model, source)
        yield from retirement(name, model, source.where(f"models.{name}.retires_on"), today=today)
        yield from _price(name, model, source, has_budget=has_budget)
        yield from _fallback(name, model, models, source)
    places = [place for name, model in models.items() for place in _places(name, model)]
    for key, deployment in places:
        yield from _key(key, deployment, source, environ)
    yield from _pools(places, source)


def retirement(name: str, model: Model, where: str, *, today: date) -> Iterator[Problem]:
    """A shutdown date that has come, or is near."""
    if model.retires_on is None or today < model.retires_on - WARN_BEFORE:
        return
    if today >= model.retires_on:
        what = f"the service shut {name} ({model.model}) down on {model.retires_on}."
        hint = "Choose another model, or correct the date."
        yield Problem(what, where, hint if model.version is None else _CORRECT, code="retired")
        return
    days = (model.retires_on - today).days
    what = f"the service shuts {name} ({model.model}) down on {model.retires_on}, in {days} days."
    yield Problem(what, where, "Plan its replacement.", "warning", "retires_soon")


def training_end(name: str, model: Model, where: str, *, today: date) -> Iterator[Problem]:
    """The day on which a service trains a model no longer has come, or is near."""
    last = None if model.tuning is None else model.tuning.trains_until
    if last is None or today < last - WARN_BEFORE:
        return
    if today >= last:
        hint = "Choose another model, or correct `tuning.trains_until`. Models tuned before answer until they retire."
        yield Problem(
            f"the service stopped training {name} ({model.model}) on {last}.", where, hint, code="no_training"
        )
        return
    what = f"the service stops training {name} ({model.model}) on {last}, in {(last - today).days} days."
    yield Problem(what, where, "A later correction of the model could not be trained.", "warning", "training_ends")


def is_loopback(base_url: str) -> bool:
    """Whether an address is this machine, where plain http is safe."""
    host = urlsplit(base_url).hostname
    if host is None:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_service_name(base_url: str) -> bool:
    """Whether the host is one word, as compose names its services: no such name leads out of the private network."""
    host = urlsplit(base_url).hostname
    return host is not None and "." not in host and ":" not in host


def _places(name: str, model: Model) -> list[Place]:
    online = [(f"models.{name}.deployments.{n}", deployment) for n, deployment in enumerate(model.deployments)]
    batch: list[Place] = [(f"models.{name}.batch.{n}", deployment) for n, deployment in enumerate(model.batch)]
    return online + batch


def _services(name: str, model: Model, source: Source) -> Iterator[Problem]:
    """What the providers say, each deployment alone so that its line is known, then what is wrong between them."""
    for key, deployment in _places(name, model):
        alone = model.model_copy(update={"deployments": [deployment], "batch": []})
        found = list(service_problems(alone, where=source.where(key)))
        yield from (problem for problem in found if problem.code != "plain_http")
        if not any(problem.code == "bad_base_url" for problem in found):
            yield from _transport(key, deployment, source)
    together = service_problems(model, where=source.where(f"models.{name}.deployments"))
    yield from (problem for problem in together if problem.code in _BETWEEN_DEPLOYMENTS)


def _transport(key: str, deployment: Deployment, source: Source) -> Iterator[Problem]:
    if urlsplit(deployment.base_url).scheme == "https" or is_loopback(deployment.base_url):
        return
    if not (deployment.auth == "none" and is_service_name(deployment.base_url)):
        what = f"the base_url of {deployment.name} is not https: keys and personas would travel in the clear."
        hint = "Only this machine, or without a key a service of the same compose file, may be http."
        yield Problem(what, source.where(f"{key}.base_url"), hint, code="not_https")


def _key(key: str, deployment: Deployment, source: Source, environ: Mapping[str, str]) -> Iterator[Problem]:
    variable = deployment.api_key_env
    if variable is not None and deployment.auth in {"key", "bearer"} and not environ.get(variable):
        what = f"the environment variable {variable} is not set; a run needs it."
        hint = f"export {variable}=..., or write it into .env."
        yield Problem(what, source.where(f"{key}.api_key_env"), hint, "warning", "key_variable_unset")


def _pools(places: list[Place], source: Source) -> Iterator[Problem]:
    pools: dict[str, list[Place]] = defaultdict(list)
    for key, deployment in places:
        pools[deployment.pool_name].append((key, deployment))
    for pool, members in pools.items():
        first = members[0][1]
        for key, deployment in members[1:]:
            differing = [x for x in _LIMITS if getattr(deployment, x, None) != getattr(first, x, None)]
            if differing:
                what = (
                    f"{deployment.name} and {first.name} share the quota pool {pool} and give different "
                    f"{' and '.join(differing)}."
                )
                hint = "Give both the limits of the pool, or each a `pool` of its own."
                yield Problem(what, source.where(f"{key}.{differing[0]}"), hint, code="pool_limits")


def _fallback(name: str, model: Model, models: Mapping[str, Model], source: Source) -> Iterator[Problem]:
    if model.fallback is None:
        return
    where = source.where(f"models.{name}.fallback")
    other = models.get(model.fallback)
    if other is None:
        yield Problem(f"there is no model {model.fallback!r} to fall back to.", where, code="unknown_fallback")
    elif other.model == model.model:
        hint = "An endpoint that serves the same model belongs among its `deployments`."
        yield Problem(f"{name} and its fallback are both {model.model}.", where, hint, code="same_fallback")
    elif other.family != model.family:
        what = f"the fallback {model.fallback} is of family {other.family}, {name} of {model.family}."
        hint = "Requests are planned once: a fallback must accept the same parameters."
        yield Problem(what, where, hint, code="fallback_family")


def _price(name: str, model: Model, source: Source, *, has_budget: bool) -> Iterator[Problem]:
    if price_of(model) is None:
        what = f"there is no price for {model.model}: cost is shown as unknown."
        if has_budget:
            what = f"there is no price for {model.model}, so that the budget cannot be kept."
        hint = "Add `price: {input: .., output: ..}` in US$ per million tokens."
        yield Problem(what, source.where(f"models.{name}"), hint, "error" if has_budget else "warning", "no_price")
