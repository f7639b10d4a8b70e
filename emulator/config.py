"""Everything that can be set about an emulator. Field defaults are the only place of defaults."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from emulator.answering.latency import Latency
from emulator.answering.manner import Manner
from emulator.batches.batch_config import BatchSettings
from emulator.batches.batch_faults import BatchFaults
from emulator.catalogue import ModelFacts, shipped_catalogue
from emulator.faults import Faults
from emulator.quota import Counting, Limits
from emulator.tuning.tuning_config import TuningFaults, TuningSettings

Profile = Literal["openai", "azure_v1", "azure"]
RetryHint = Literal["seconds", "milliseconds", "both", "none"]
RateHeaders = Literal["all", "remaining", "none"]

BASE_PATHS: dict[Profile, str] = {"openai": "/v1", "azure_v1": "/openai/v1", "azure": "/openai"}
"""Path of the API; the dated one goes on with /deployments/NAME/..."""


class Strict(BaseModel):
    """Unknown keys are errors; values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Served(Strict):
    """A deployment (azure) or model (openai), by the name on the wire.

    Attributes:
        model: id in the catalogue.
        rpm, tpm: its own quota; None: the emulator's.
        pool: names that share one quota; None: one of its own.
        enqueued_tokens: prompt tokens that may wait in batches; None: the emulator's.
    """

    model: str
    rpm: int | None = Field(None, gt=0)
    tpm: int | None = Field(None, gt=0)
    pool: str | None = None
    enqueued_tokens: int | None = Field(None, gt=0)


class EmulatorConfig(Strict):
    """One emulator.

    Attributes:
        profile: whose API it speaks.
        api_versions: dated versions that profile azure accepts.
        deployments: name on the wire -> what it serves; None: every model of the catalogue under its own id.
        catalogue: models added to the shipped ones, or replacing them.
        keys: accepted API keys. Neither keys nor tokens: nobody is asked for one.
        tokens: accepted Entra ID tokens (azure profiles).
        rpm, tpm: quota of each pool; None: not limited.
        counting: how tokens are counted; None: actual in profile openai, max_tokens elsewhere.
        burst_window_s, burst_requests, count_rejected: see `quota.Limits`.
        retry_hint: what a 429 carries; None: seconds in profile openai, both elsewhere.
        rate_headers: what every answer carries of a quota; None: all in profile openai, remaining elsewhere.
        latency: how long answers take.
        faults: what goes wrong on purpose.
        batch: times, limits and spellings of files and batches.
        batch_faults: what goes wrong with them on purpose.
        tuning: times and limits of fine-tuning jobs and deployments.
        tuning_faults: what goes wrong with them on purpose.
        batch_speed: seconds of their time that a real second holds; 8,640 works off 24 hours in 10 seconds.
        manner: how the base model puts its answers.
        prompt_cache: report repeated prefixes of 1,024 tokens and more as cached, and bill them so.
        seed: of the base model, latency and faults.
        purchases: file that gets a JSON line for every answer bought.
    """

    profile: Profile = "openai"
    api_versions: tuple[str, ...] = ("2024-10-21", "2025-04-01-preview")
    deployments: dict[str, Served] | None = None
    catalogue: dict[str, ModelFacts] = Field(default_factory=dict)
    keys: tuple[SecretStr, ...] = Field((), exclude=True)
    tokens: tuple[SecretStr, ...] = Field((), exclude=True)
    rpm: int | None = Field(None, gt=0)
    tpm: int | None = Field(None, gt=0)
    counting: Counting | None = None
    burst_window_s: float = Field(1.0, gt=0)
    burst_requests: int | None = Field(None, gt=0)
    count_rejected: bool = False
    retry_hint: RetryHint | None = None
    rate_headers: RateHeaders | None = None
    latency: Latency = Latency()
    faults: Faults = Faults()
    batch: BatchSettings = BatchSettings()
    batch_faults: BatchFaults = BatchFaults()
    tuning: TuningSettings = TuningSettings()
    tuning_faults: TuningFaults = TuningFaults()
    batch_speed: float = Field(1.0, gt=0)
    manner: Manner = Manner()
    prompt_cache: bool = False
    seed: int = 0
    purchases: Path | None = None

    @model_validator(mode="after")
    def _deployments_serve_known_models(self) -> "EmulatorConfig":
        known = self.models()
        for name, served in (self.deployments or {}).items():
            if served.model not in known:
                raise ValueError(f"deployment {name!r} serves unknown model {served.model!r}")
        return self

    @property
    def base_path(self) -> str:
        """Path of the API."""
        return BASE_PATHS[self.profile]

    @property
    def is_azure(self) -> bool:
        """Either Azure profile."""
        return self.profile != "openai"

    def models(self) -> dict[str, ModelFacts]:
        """The whole catalogue."""
        return {**shipped_catalogue(), **self.catalogue}

    def served(self) -> dict[str, Served]:
        """Name on the wire -> what it serves."""
        if self.deployments is not None:
            return self.deployments
        return {name: Served(model=name) for name in self.models()}

    def limits_of(self, served: Served) -> Limits:
        """Quota of the pool of a deployment."""
        return Limits(
            rpm=self.rpm if served.rpm is None else served.rpm,
            tpm=self.tpm if served.tpm is None else served.tpm,
            counting=self.token_counting,
            burst_window_s=self.burst_window_s,
            burst_requests=self.burst_requests,
            count_rejected=self.count_rejected,
        )

    @property
    def token_counting(self) -> Counting:
        """How tokens are counted."""
        if self.counting is not None:
            return self.counting
        return "max_tokens" if self.is_azure else "actual"

    @property
    def hint(self) -> RetryHint:
        """What a 429 carries."""
        if self.retry_hint is not None:
            return self.retry_hint
        return "both" if self.is_azure else "seconds"

    @property
    def shown_rates(self) -> RateHeaders:
        """What every answer carries of a quota."""
        if self.rate_headers is not None:
            return self.rate_headers
        return "remaining" if self.is_azure else "all"
