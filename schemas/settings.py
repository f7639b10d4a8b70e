"""Settings from NIGHTPOLL_* variables and `.env`, read once at an entry point and passed down."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

STORE_VARIABLES = ("AWS_", "AZURE_STORAGE_", "AZURE_CLIENT_", "AZURE_TENANT_", "AZURE_FEDERATED_", "IDENTITY_", "MSI_")
"""Beginnings of the variables that open a store on S3 or Blob storage; libraries read them, never we."""


class Settings(BaseSettings):
    """What a process needs to know besides the study. Field defaults are the only place of defaults."""

    model_config = SettingsConfigDict(
        env_prefix="NIGHTPOLL_", env_file=".env", extra="ignore", frozen=True, allow_inf_nan=False
    )

    store: str = Field(
        "./runs",
        description="Where runs live: a folder, s3://bucket/prefix or abfs://container@account/prefix.",
    )
    cache: Path | None = Field(
        None,
        description="Folder for copies of what lies in an object store; default: nightpoll in the user's cache folder.",
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis or Valkey to use; without it an embedded server is started beside the store."
    )
    models: Path | None = Field(None, description="Models file; default: models.yaml beside the study.")
    workers: int = Field(2, ge=1, le=64, description="Local worker processes the supervisor keeps.")
    slots: int = Field(4, ge=1, le=64, description="Shards in flight in one worker process.")
    in_flight: int = Field(128, ge=1, le=4096, description="Open calls of a worker process to one deployment.")
    drain_s: float = Field(45.0, gt=0, description="How long a worker may finish open calls after SIGTERM.")
    linger_s: float = Field(30.0, ge=0, description="How long the supervisor stays after its last client, in seconds.")
    batch_poll_s: float = Field(60.0, gt=0, description="Seconds between two looks at a batch.")
    batch_search_s: float = Field(
        120.0, gt=0, description="How long a batch is looked for that may have been accepted, before it is made again."
    )
    batch_backoff_s: float = Field(5.0, gt=0, description="First wait after the Batch API said no; doubles.")
    rescue_margin_s: float = Field(900.0, ge=0, description="In hand when a deadline is met online after all.")
    webhook_url: SecretStr | None = Field(
        None, description="Where the overnight queue's morning summary is posted as JSON; https unless loopback."
    )
    night_clock: Path | None = Field(
        None, description="Rehearsals only: file of a faster clock for the overnight queue (docs/design/nights.md)."
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65_000,
        description="Port of a worker's Prometheus metrics; local workers take it and the ones after it. None: off.",
    )  # fmt: skip
    metrics_host: str = Field("127.0.0.1", description="Address that metrics are served on.")
    log_format: Literal["text", "json"] = Field("text", description="Form of the lines that workers log.")
    log_level: str = Field("WARNING", description="Log level of workers and supervisor.")
