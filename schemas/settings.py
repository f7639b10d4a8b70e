"""Settings from NIGHTPOLL_* variables and `.env`, read once at an entry point and passed down."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a process needs to know besides the study. Field defaults are the only place of defaults."""

    model_config = SettingsConfigDict(env_prefix="NIGHTPOLL_", env_file=".env", extra="ignore", frozen=True)

    store: str = Field("./runs", description="Where runs live: a local folder.")
    redis_url: SecretStr | None = Field(
        None, description="Redis or Valkey to use; without it an embedded server is started beside the store."
    )
    models: Path | None = Field(None, description="Models file; default: models.yaml beside the study.")
    workers: int = Field(2, ge=1, le=64, description="Local worker processes the supervisor keeps.")
    slots: int = Field(4, ge=1, le=64, description="Shards in flight in one worker process.")
    in_flight: int = Field(128, ge=1, le=4096, description="Open calls of a worker process to one deployment.")
    drain_s: float = Field(45.0, gt=0, description="How long a worker may finish open calls after SIGTERM.")
    linger_s: float = Field(30.0, ge=0, description="How long the supervisor stays after its last client, in seconds.")
    log_level: str = Field("WARNING", description="Log level of workers and supervisor.")
