"""Parameters that a model turned out to refuse, learned from the service's own 400.

Only the other name of the token limit is used by itself: it changes no answer. Leaving any other parameter out would,
so that the model stops with a sentence that names it.
"""

from collections.abc import Mapping
from typing import Any

from providers.families import LIMIT_NAMES
from schemas.errors import ModelError, ServiceRefusedError, TransientModelError, UnsupportedParameterError
from schemas.models import Model


class Spelling:
    """What one model of this process calls its parameters on the wire."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def applied(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters under the names that the service takes."""
        if not self._names:
            return dict(parameters)
        return {self._names.get(name, name): value for name, value in parameters.items()}

    def after(self, error: UnsupportedParameterError, sent: Mapping[str, Any], model: Model) -> ModelError:
        """A transient error if the request is to be sent again under the other name, else a refusal of the model.

        Args:
            error: what the service said.
            sent: the parameters as they were sent.
            model: whose they are.
        """
        name = error.parameter
        other = _OTHER.get(name)
        if other is not None and name in sent and other not in sent and name not in self._names.values():
            self._names[name] = other
            return TransientModelError(error.what, code="respelled", http_status=error.http_status)
        return ServiceRefusedError(error.what, code=error.code, http_status=error.http_status, hint=hint(name, model))


_OTHER = {LIMIT_NAMES[0]: LIMIT_NAMES[1], LIMIT_NAMES[1]: LIMIT_NAMES[0]}


def hint(parameter: str, model: Model) -> str:
    """What to do about a refused parameter."""
    family = "reasoning" if model.family == "chat" else "chat"
    return (
        f"{model.model} does not take `{parameter}` as it is set: remove it from `parameters`, or say "
        f"`family: {family}` in the models file if that is what the model is; answers would not be the same without it."
    )
