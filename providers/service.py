"""Who serves a model: base address, wire name, chat path, and the identity that keeps answers apart."""

from urllib.parse import SplitResult, quote, urlsplit

from schemas.errors import Problem, StudyError
from schemas.models import Deployment, Model, Provider

_DEFAULT_PATH: dict[Provider, str] = {"openai": "/v1", "azure_v1": "/openai/v1", "azure": "/openai"}
_DEFAULT_PORT = {"http": 80, "https": 443}
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def base_url(model: Model, deployment: Deployment) -> str:
    """Where the SDK starts: `base_url` as given; without a path, the provider's usual one is put behind it."""
    given = deployment.base_url.rstrip("/")
    return given if urlsplit(given).path else given + _DEFAULT_PATH[model.provider]


def wire_name(model: Model, deployment: Deployment) -> str:
    """What `model` says on the wire: the deployment's name, or the model id if it has none."""
    return deployment.deployment if deployment.deployment is not None else model.model


def call_path(model: Model, deployment: Deployment) -> str:
    """Path of a single call under `base_url`, by family. The dated Azure API names the deployment in it."""
    path = "/completions" if model.family == "completion" else "/chat/completions"
    if model.provider != "azure":
        return path
    return f"/deployments/{quote(wire_name(model, deployment), safe='')}{path}"


def origin(url: str) -> str:
    """`scheme://host:port` in lower case, the port always shown.

    Raises:
        ValueError: no http(s) scheme, no host, or a port that is no number.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
        raise ValueError("needs http:// or https:// and a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _DEFAULT_PORT[parts.scheme]}"


def service_identity(model: Model) -> str:
    """What answers of this model are kept apart by: the shared `identity`, else provider and origin.

    Raises:
        StudyError: an address is broken, or deployments differ in origin without one shared identity.
    """
    wrong = [problem for problem in problems(model) if problem.level == "error"]
    if wrong:
        raise StudyError(wrong)
    return _identity_of(model, model.endpoints[0])


def problems(model: Model, *, where: str = "") -> list[Problem]:
    """Everything wrong with a model's deployments.

    Args:
        model: entry of the models file.
        where: its place, put into each problem.
    """
    found = [problem for each in model.endpoints for problem in _deployment_problems(model, each, where)]
    names = [each.name for each in model.endpoints]
    found += [
        Problem(f"Two deployments are named {name!r}.", where, "Give each its own name.", code="duplicate_deployment")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if not any(problem.code == "bad_base_url" for problem in found):
        found += _identity_problems(model, where)
    return found


def _identity_of(model: Model, deployment: Deployment) -> str:
    if deployment.identity is not None:
        return deployment.identity
    return f"{model.provider}:{origin(deployment.base_url)}"


def _identity_problems(model: Model, where: str) -> list[Problem]:
    identities = sorted({_identity_of(model, each) for each in model.endpoints})
    if len(identities) == 1:
        return []
    return [
        Problem(
            f"The deployments of {model.model} are different services ({', '.join(identities)}).",
            where,
            "Give all of them the same `identity` if their answers are interchangeable, else make them two models.",
            code="mixed_services",
        )
    ]


def _deployment_problems(model: Model, deployment: Deployment, where: str) -> list[Problem]:
    found = _address_problems(deployment, where)
    if deployment.auth in {"key", "bearer"} and deployment.api_key_env is None:
        found.append(
            Problem(
                f"Deployment {deployment.name!r} does not say which environment variable holds its key.",
                where,
                "Add `api_key_env`, or `auth: none` for a service without keys.",
                code="no_key_variable",
            )
        )
    return found


def _address_problems(deployment: Deployment, where: str) -> list[Problem]:
    about = f"base_url of deployment {deployment.name!r}"
    try:
        origin(deployment.base_url)
    except ValueError as error:
        return [Problem(f"The {about} is no address: {error}.", where, code="bad_base_url")]
    parts = urlsplit(deployment.base_url)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        hint = "Keys are named by `api_key_env`, the version by `api_version`."
        return [Problem(f"The {about} holds more than host and path.", where, hint, code="bad_base_url")]
    if _sends_key_in_clear(deployment, parts):
        return [Problem(f"The {about} sends the key without encryption.", where, "Use https.", "warning", "plain_http")]
    return []


def _sends_key_in_clear(deployment: Deployment, parts: SplitResult) -> bool:
    return parts.scheme == "http" and deployment.auth != "none" and parts.hostname not in _LOCAL_HOSTS
