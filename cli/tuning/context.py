"""What fine-tuning commands need before they speak to a service: the base model's entry, its clients, an event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from producer.checks.models import is_loopback, is_service_name
from producer.load import MODELS_FILE, models_of, read_source
from providers.resource_manager import ResourceManager, open_resource_manager
from providers.tuning_client import TuningClient, open_tuning_client
from schemas.errors import SettingsError, UserInputError
from schemas.models import Model, Tuning
from schemas.settings import Settings

T = TypeVar("T")


def model_entry(name: str, models: Path | None, settings: Settings) -> Model:
    """An entry of the models file that training can be asked of.

    Args:
        name: of the entry.
        models: file named on the command line; else NIGHTPOLL_MODELS, else models.yaml here.
        settings: of the command.

    Raises:
        StudyError: the file is wrong. UserInputError: no such entry, or one without an endpoint.
    """
    path = models if models is not None else settings.models if settings.models is not None else Path(MODELS_FILE)
    known = models_of(read_source(path)).models
    if name not in known:
        raise UserInputError(f"there is no model {name!r}.", where=str(path), hint=f"There are: {', '.join(known)}.")
    if not known[name].deployments:
        raise UserInputError(f"the model {name!r} has no deployment to ask.", where=str(path))
    return known[name]


def is_simulated(entry: Model) -> bool:
    """Whether the service is one of this machine or of the same compose file, as the emulator is."""
    return all(is_loopback(d.base_url) or is_service_name(d.base_url) for d in entry.deployments)


def with_client(entry: Model, environ: Mapping[str, str], work: Callable[[TuningClient], Awaitable[T]]) -> T:
    """Work with the service's files and jobs."""

    async def run() -> T:
        client = open_tuning_client(entry, entry.deployments[0], environ=environ)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def with_manager(entry: Model, environ: Mapping[str, str], work: Callable[[ResourceManager], Awaitable[T]]) -> T:
    """Work with the account's deployments.

    Raises:
        SettingsError: the entry names no account.
    """
    tuning = tuning_of(entry)

    async def run() -> T:
        manager = open_resource_manager(tuning, environ=environ)
        try:
            return await work(manager)
        finally:
            await manager.close()

    return asyncio.run(run())


def tuning_of(entry: Model) -> Tuning:
    """How the entry is tuned; the defaults where it does not say."""
    return entry.tuning if entry.tuning is not None else Tuning()


def needs_deployment(entry: Model) -> bool:
    """Tuned models of OpenAI and of compatible services answer at once; those of Azure after a deployment."""
    return entry.provider != "openai"


def check_suffix(entry: Model, suffix: str | None) -> None:
    """The provider's rule for a suffix.

    Raises:
        SettingsError: it breaks it.

    Source: fine-tuning pages of OpenAI (64 characters) and Azure OpenAI (40 of letters, digits, `-`, `_`), 2026-11-22.
    """
    if suffix is None:
        return
    plain = suffix.replace("-", "").replace("_", "").isalnum() and suffix.isascii()
    most = 64 if entry.provider == "openai" else 40
    if not plain or len(suffix) > most:
        hint = f"At most {most} letters, digits, '-' and '_'."
        raise SettingsError(f"the suffix {suffix!r} is not allowed.", where="--suffix", hint=hint)
