"""How the stand-in keeps files and batches: times, limits and the spellings in which the services differ.

All durations are seconds of service time; a real second holds `batch_speed` of them.
"""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Unset = Literal["null", "empty"]
ShownEndpoint = Literal["echo", "null", "empty"]
TokenRefusal = Literal["create", "later"]


class BatchSettings(BaseModel):
    """Files and batches.

    Attributes:
        pending_s: how long an upload stays pending (azure profiles).
        validating_s, working_s, finalizing_s, cancelling_s: how long a batch stays in each state.
        window_s: the completion window; in profile openai a batch that would take longer expires at its end.
        price_factor: share of the online price.
        max_lines: of an input file; None: 50,000 in profile openai, 100,000 elsewhere.
        max_bytes: of an input file.
        enqueued_tokens: prompt tokens that may wait in batches of one deployment; None: not limited.
        token_refusal: a batch over that limit is refused at create, or fails later; None: later in profile openai.
        unset_ids: how file ids look before there is a file; None: null in profile openai, empty elsewhere.
        shown_endpoint: what azure batches say as their endpoint.
        created_201: profile azure_v1 answers a create with 201.
        null_counts: request counts are null instead of 0 until a batch is validated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    pending_s: float = Field(2.0, ge=0)
    validating_s: float = Field(10.0, ge=0)
    working_s: float = Field(60.0, ge=0)
    finalizing_s: float = Field(5.0, ge=0)
    cancelling_s: float = Field(10.0, ge=0)
    window_s: float = Field(86_400.0, gt=0)
    price_factor: Decimal = Field(Decimal("0.5"), gt=0, le=1)
    max_lines: int | None = Field(None, gt=0)
    max_bytes: int = Field(200_000_000, gt=0)
    enqueued_tokens: int | None = Field(None, gt=0)
    token_refusal: TokenRefusal | None = None
    unset_ids: Unset | None = None
    shown_endpoint: ShownEndpoint = "echo"
    created_201: bool = False
    null_counts: bool = False
