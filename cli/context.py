"""What every command begins with: settings, environment, store."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from schemas.errors import SettingsError
from schemas.settings import STORE_VARIABLES, Settings
from storage.store import Store, open_store


def load_settings() -> Settings:
    """Settings from NIGHTPOLL_* variables and `.env`.

    Raises:
        SettingsError: a value does not fit; the value itself is not shown, it may be a secret.
    """
    try:
        settings = Settings()
    except ValidationError as e:
        first = e.errors()[0]
        name = "NIGHTPOLL_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{first['msg']}.", where=name, hint="docs/settings.md lists all of them.") from e
    for key, value in load_environ().items():
        if key.startswith(STORE_VARIABLES):
            os.environ.setdefault(key, value)  # the store's library looks nowhere else
    return settings


def load_environ() -> Mapping[str, str]:
    """The environment over `.env` of the working directory: where keys are looked up by name."""
    from_file = {k: v for k, v in dotenv_values(Path(".env")).items() if v is not None}
    return from_file | dict(os.environ)


def load_store(settings: Settings) -> Store:
    """The store of the settings, made if missing."""
    return open_store(settings.store, settings.cache)
