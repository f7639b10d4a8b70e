"""How long an answer takes."""

from math import exp
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict, Field

_STANDARD_NORMAL = NormalDist()
_LARGEST_UNIFORM = 1 - 1e-12


class Latency(BaseModel):
    """A lognormal time to the first token plus a constant time for each completion token; all seconds.

    Attributes:
        median_s: half of the answers start earlier. 0: no wait.
        sigma: standard deviation of the logarithm; 0: always the median.
        per_token_s: added for each completion token.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    median_s: float = Field(0.0, ge=0)
    sigma: float = Field(0.0, ge=0)
    per_token_s: float = Field(0.0, ge=0)

    def seconds(self, uniform: float, completion_tokens: int) -> float:
        """Waiting time for a uniform number in (0, 1)."""
        quantile = _STANDARD_NORMAL.inv_cdf(min(uniform, _LARGEST_UNIFORM))
        return self.median_s * exp(self.sigma * quantile) + self.per_token_s * completion_tokens
