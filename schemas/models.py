"""The models file: model ids, families, prices, deployments and their quotas. Shape only."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from schemas.strict import Strict

Provider = Literal["openai", "azure_v1", "azure"]
Family = Literal["chat", "reasoning", "completion"]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
QuotaCounting = Literal["max_tokens", "actual"]


def variable_name(name: str | None) -> str | None:
    """The name of an environment variable itself.

    Raises:
        ValueError: it is none, but perhaps the key that the variable should hold; it is not shown.
    """
    if name is not None and not _VARIABLE.fullmatch(name):
        raise ValueError("this takes the name of an environment variable, not what the variable holds (not shown)")
    return name


class Price(Strict):
    """US dollars per `per_tokens` tokens."""

    input: float = Field(ge=0, description="Prompt tokens.")
    cached_input: float | None = Field(None, ge=0, description="None: as input.")
    output: float = Field(ge=0, description="Completion tokens, reasoning included.")
    batch_factor: float = Field(0.5, gt=0, le=1, description="Share of the price that the Batch API asks.")
    per_tokens: int = Field(1_000_000, gt=0, description="Tokens that the prices are for.")
    as_of: date | None = Field(None, description="When the prices were read.")


class Deployment(Strict):
    """One endpoint that serves a model."""

    name: str = Field(description="Our label.")
    base_url: str = Field(description="Address of the endpoint, https unless it is this machine.")
    deployment: str | None = Field(None, description="Name on the wire; default: the model id.")
    api_key_env: str | None = Field(None, description="Environment variable that holds the key.")
    auth: Literal["key", "bearer", "entra", "none"] = Field("key", description="How a request proves who asks.")
    scope: str = Field("https://cognitiveservices.azure.com/.default", description="entra: token scope.")
    rpm: int = Field(gt=0, description="Requests a minute.")
    tpm: int | None = Field(None, gt=0, description="Tokens a minute; None: not limited.")
    pool: str | None = Field(None, description="Quota pool; default: the deployment's name.")
    quota_counting: QuotaCounting | None = Field(None, description="default: azure max_tokens, openai actual.")
    identity: str | None = Field(None, description="Shared by deployments whose answers are interchangeable.")

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        return variable_name(name)

    @property
    def pool_name(self) -> str:
        """Quota pool."""
        return self.pool if self.pool is not None else self.name


class BatchDeployment(Deployment):
    """A deployment of the Batch API; on Azure one of its own, which serves no single calls."""

    rpm: int = Field(60, gt=0, description="Calls about files and batches a minute; lines do not count.")
    enqueued_tokens: int | None = Field(None, gt=0, description="Prompt tokens that may wait; None: not limited.")
    line_url: str | None = Field(None, description="`url` on every line; default: as the provider spells it.")
    create_endpoint: str | None = Field(None, description="`endpoint` of a new batch; default: likewise.")
    max_lines: int = Field(50_000, gt=0, description="Requests in one file.")
    max_bytes: int = Field(200_000_000, gt=0, description="Size of one file.")


class Tuning(Strict):
    """How a base model is tuned, what that costs, and where the result is deployed."""

    base: str | None = Field(None, description="Id that the service trains; default: the model id.")
    training_type: str | None = Field(None, description="Azure: `trainingType`, as GlobalStandard.")
    usd_per_million_tokens: float | None = Field(None, ge=0, description="Price of a million training tokens.")
    bom: bool = Field(False, description="Begin training files with a byte-order mark.")
    account: str | None = Field(None, description="Azure: resource id, /subscriptions/.../accounts/NAME.")
    arm_url: str = Field("https://management.azure.com", description="Azure: address of the Resource Manager.")
    arm_version: str = Field("2024-10-01", description="Azure: its api-version.")
    token_env: str | None = Field(None, description="Variable with a token for it; default: Entra ID.")
    sku: str = Field("Standard", description="Azure: tier of the deployment.")
    capacity: int = Field(1, gt=0, description="Azure: thousands of tokens a minute.")
    usd_per_hour: float | None = Field(None, ge=0, description="Hosting, whether used or not.")
    trains_until: date | None = Field(
        None, description="When the service stops training the model; `finetune submit` is refused from then on."
    )
    retires_on: date | None = Field(
        None, description="When the service shuts tuned models down; default: `retires_on` of the base model."
    )

    @field_validator("token_env")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        return variable_name(name)


class Rollout(Strict):
    """Another version that answers for a share of respondents; set by the model registry."""

    model: str = Field(description="NAME@VERSION of the other version.")
    share: float = Field(gt=0, le=1, description="Share of respondents, by hash of their ids.")


class Model(Strict):
    """A named entry."""

    provider: Provider = Field(description="openai: any compatible address. azure_v1, azure: Azure OpenAI.")
    model: str = Field(description="Model id: identity, prices, tokens.")
    family: Family = Field(
        "chat",
        description="Which parameters the service accepts; completion: prompts as one text, sent to `/completions`.",
    )
    api_version: str | None = Field(None, description="azure only.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Wire parameters of every request.")
    price: Price | None = Field(None, description="default: the shipped price table, by model id.")
    deployments: list[Deployment] = Field(default_factory=list, description="Endpoints that serve the model.")
    batch: list[BatchDeployment] = Field(
        default_factory=list, description="Endpoints of the Batch API, for arms with `transport: batch`."
    )
    timeout_s: float = Field(60.0, gt=0, description="Patience with one call, in seconds.")
    probabilities: Literal["logprobs", "repeats", "stated"] | None = Field(
        None,
        description="How arms with `strategy: probabilities` get them; default: logprobs from chat models, repeats "
        "from reasoning models.",
    )
    cutoff: date | None = Field(None, description="End of the training data, as the maker states it.")
    fallback: str | None = Field(
        None,
        description="Model that answers when every deployment of this one refuses or is gone. Its rows carry that "
        "model, are never reused, and the evaluation marks the arm MIXED. None: the run goes on without the arms.",
    )
    context_window_tokens: int | None = Field(None, gt=0, description="Prompt and completion together.")
    retires_on: date | None = Field(None, description="When the service shuts the model down; refused from then on.")
    tuning: Tuning | None = Field(None, description="How it is tuned and deployed; default: as the service does.")
    version: str | None = Field(None, description="Set by the model registry: NAME@VERSION that a run asks.")
    manifest: str | None = Field(None, description="Set by the model registry: what the version was trained on.")
    fresh_until: AwareDatetime | None = Field(
        None, description="Set by the model registry: until then a new deployment that is not found is waited for."
    )
    rollout: Rollout | None = Field(None, description="Set by the model registry: a version beside this one.")

    @property
    def endpoints(self) -> list[Deployment]:
        """All deployments, of single calls and of batches."""
        return [*self.deployments, *self.batch]

    @model_validator(mode="after")
    def _somebody_serves_it(self) -> "Model":
        if not self.endpoints:
            raise ValueError("a model needs `deployments`, or `batch` for arms with `transport: batch` alone")
        return self

    @model_validator(mode="after")
    def _dated_api_needs_a_version(self) -> "Model":
        if (self.provider == "azure") != (self.api_version is not None):
            raise ValueError("api_version is needed with `provider: azure`, and only there")
        return self


def with_fallbacks(models: Mapping[str, Model], names: Collection[str | None]) -> dict[str, Model]:
    """The models of these names, their rollouts and those they fall back to (not a fallback's own), if they exist."""
    asked = [model for name, model in models.items() if name in names]
    wanted = {*names, *(model.fallback for model in asked)}
    wanted |= {model.rollout.model for model in asked if model.rollout is not None}
    return {name: model for name, model in models.items() if name in wanted}


class ModelsFile(Strict):
    """All models."""

    models: dict[str, Model] = Field(min_length=1, description="Name, as arms use it -> model.")


MODELS_NOT_BUILT_YET: dict[str, str] = {}
