"""Asks an endpoint for its list of models: whether it is there, and whether it takes the key. Costs nothing.

Redirects are not followed: the key would go with them to an address nobody named.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import quote

from providers.clients import read_key
from providers.service import base_url, wire_name
from schemas.errors import ExitCode, SettingsError
from schemas.models import Deployment, Model

PATIENCE_S = 10.0
_MOST_BYTES = 5_000_000
_REFUSED = (401, 403)


@dataclass(frozen=True)
class Probe:
    """What an endpoint said.

    Attributes:
        exit_code: of a command that stops here; DONE if it need not.
    """

    detail: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.DONE

    @property
    def is_ok(self) -> bool:
        """Nothing is wrong that can be seen from here."""
        return self.exit_code == ExitCode.DONE


def probe(model: Model, deployment: Deployment, environ: Mapping[str, str], *, patience_s: float = PATIENCE_S) -> Probe:
    """Ask one deployment's endpoint for its models; never raises for what the other side does."""
    try:
        headers = _headers(model, deployment, environ)
        request = urllib.request.Request(_address(model, deployment), headers=headers)  # noqa: S310 - checked: http(s)
    except SettingsError as error:
        return Probe(error.what, error.hint, ExitCode.WRONG_INPUT)
    except ValueError:
        return Probe("its base_url is no address.", "Mend it in the models file.", ExitCode.WRONG_INPUT)
    try:
        with _OPENER.open(request, timeout=patience_s) as response:
            return _of_answer(response.read(_MOST_BYTES), model, deployment)
    except urllib.error.HTTPError as error:
        error.close()
        return _of_status(error.code, deployment)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return Probe(f"cannot be reached ({_short(reason)}).", "Is the address right, is it up?", ExitCode.ENVIRONMENT)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _address(model: Model, deployment: Deployment) -> str:
    address = f"{base_url(model, deployment)}/models"
    return address if model.api_version is None else f"{address}?api-version={quote(model.api_version)}"


def _headers(model: Model, deployment: Deployment, environ: Mapping[str, str]) -> dict[str, str]:
    if deployment.auth not in ("key", "bearer"):
        return {}
    key = read_key(deployment, environ).get_secret_value()
    if deployment.auth == "key" and model.provider != "openai":
        return {"api-key": key}
    return {"Authorization": f"Bearer {key}"}


def _of_answer(body: bytes, model: Model, deployment: Deployment) -> Probe:
    """An OpenAI-compatible list names what can be asked for; an Azure list names models, not deployments."""
    try:
        ids = [entry["id"] for entry in json.loads(body)["data"]]
    except (ValueError, KeyError, TypeError):
        hint = "The base_url may lack a part of its path, such as /v1."
        return Probe("answers, but not with a list of models.", hint, ExitCode.WRONG_INPUT)
    name = wire_name(model, deployment)
    if model.provider == "openai" and name not in ids:
        return Probe(f"answers, but serves no {name}.", "Mend `model` or `deployment`.", ExitCode.SERVICE_REFUSED)
    return Probe("answers.")


def _of_status(status: int, deployment: Deployment) -> Probe:
    if status in _REFUSED and deployment.auth == "entra":
        return Probe("is there; signing in is tried with the first call.")
    if status in _REFUSED:
        hint = "No key is sent: `auth: none`." if deployment.auth == "none" else f"Check {deployment.api_key_env}."
        return Probe(f"refuses the key (status {status}).", hint, ExitCode.SERVICE_REFUSED)
    if status == 404:
        return Probe("answers, but not under this path (status 404).", "Check base_url.", ExitCode.WRONG_INPUT)
    return Probe(f"answers with status {status}.", "Try again later.", ExitCode.ENVIRONMENT)


def _short(reason: object) -> str:
    text = getattr(reason, "strerror", None)
    return text if isinstance(text, str) and text else type(reason).__name__
