"""Usage of a cell: what its answers cost, how long they took, where they came from."""

from dataclasses import dataclass

import numpy as np

from evaluation.arrays import BoolArray, FloatArray, IntArray
from evaluation.figures import Figure, figure

NO_CALLS = "no call was made for this arm in this run"
TRANSPORTS = ("online", "batch", "reused", "imported")


@dataclass(frozen=True)
class Usage:
    """Totals of one arm on one question; all splits, all respondents.

    Attributes:
        cost_usd: share of the run's bill.
        tokens_in, tokens_out: of the arm's share of its requests.
        n_by_transport: predictions by TRANSPORTS; open tasks have none.
        n_origins: distinct models and versions that answered; more than one is a mixture.
    """

    cost_usd: float
    latency_p50_s: float
    latency_p95_s: float
    tokens_in: float
    tokens_out: float
    n_by_transport: tuple[int, ...]
    n_origins: int

    @property
    def n_reused(self) -> int:
        """Answers taken from earlier runs."""
        return self.n_by_transport[TRANSPORTS.index("reused")]

    @property
    def has_calls(self) -> bool:
        """At least one answer of this run was bought."""
        return sum(self.n_by_transport[:2]) > 0

    def figures(self) -> list[Figure]:
        """Rows of the cell; null where nothing was bought."""
        names = ("cost_usd", "latency_p50_s", "latency_p95_s", "tokens_in", "tokens_out")
        bought = [figure(n, getattr(self, n) if self.has_calls else np.nan, NO_CALLS) for n in names]
        counts = {"n_reused": self.n_reused, "n_imported": self.n_by_transport[TRANSPORTS.index("imported")]}
        return [*bought, *(Figure(name, float(n)) for name, n in counts.items())]


@dataclass(frozen=True)
class UsageColumns:
    """One entry a row of predictions.parquet; NaN where unknown; `transport` and `origin` -1 where there is none."""

    cost_usd: FloatArray
    latency_s: FloatArray
    tokens_in: FloatArray
    tokens_out: FloatArray
    shared_by: FloatArray
    transport: IntArray
    origin: IntArray

    def of(self, rows: IntArray) -> Usage:
        """Totals of some rows."""
        shared = np.maximum(self.shared_by[rows], 1)
        online: BoolArray = np.isfinite(self.latency_s[rows]) & (self.transport[rows] == 0)
        latency = self.latency_s[rows][online]
        p50, p95 = np.percentile(latency, [50, 95]) if latency.size else (np.nan, np.nan)
        transport = self.transport[rows]
        origins = np.unique(self.origin[rows])
        return Usage(
            cost_usd=float(np.nansum(self.cost_usd[rows])),
            latency_p50_s=float(p50),
            latency_p95_s=float(p95),
            tokens_in=float(np.nansum(self.tokens_in[rows] / shared)),
            tokens_out=float(np.nansum(self.tokens_out[rows] / shared)),
            n_by_transport=tuple(np.bincount(transport[transport >= 0], minlength=len(TRANSPORTS)).tolist()),
            n_origins=int((origins >= 0).sum()),
        )
