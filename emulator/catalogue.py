"""The models the stand-in can serve, with the prices it bills by. Data lives in `catalogue.json`."""

import json
from decimal import Decimal
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Family = Literal["chat", "reasoning", "completion"]
PER_TOKENS = 1_000_000


class ModelFacts(BaseModel):
    """One model: what it is called on the wire, which parameters it takes, what it costs.

    Attributes:
        snapshot: what `model` says in answers.
        context_tokens: prompt and answer together.
        default_output_tokens: what the quota books when a request states no maximum.
        input, cached_input, output: US dollars per million tokens; cached_input None means as input.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    snapshot: str
    family: Family = "chat"
    context_tokens: int = Field(128_000, gt=0)
    default_output_tokens: int = Field(4096, gt=0)
    input: Decimal = Field(ge=0)
    cached_input: Decimal | None = Field(None, ge=0)
    output: Decimal = Field(ge=0)

    def cost_usd(self, *, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> Decimal:
        """Exact price of one answer in US dollars; cached tokens are part of the prompt's."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = (prompt_tokens - cached_tokens) * self.input
        return (fresh + cached_tokens * cached_price + completion_tokens * self.output) / PER_TOKENS


def shipped_catalogue() -> dict[str, ModelFacts]:
    """Model id -> facts, as shipped."""
    text = resources.files("emulator").joinpath("catalogue.json").read_text("utf-8")
    return {name: ModelFacts.model_validate(facts) for name, facts in json.loads(text).items()}
