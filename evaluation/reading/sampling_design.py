"""The sampling design: which respondents were drawn together, and from which stratum."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from evaluation.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class SamplingDesign:
    """Strata and primary sampling units of R respondents.

    Attributes:
        psu: index 0..P-1 of each respondent's unit, shape (R,); without clusters everyone is a unit.
        stratum_of_psu: index of each unit's stratum, shape (P,); every stratum has two units or more.
        has_strata: the study declares strata.
        has_clusters: the study declares clusters.
    """

    psu: IntArray
    stratum_of_psu: IntArray
    has_strata: bool = False
    has_clusters: bool = False

    @property
    def is_simple(self) -> bool:
        """Neither strata nor clusters: respondents are drawn one by one."""
        return not self.has_strata and not self.has_clusters

    @cached_property
    def n_units(self) -> IntArray:
        """Units of each stratum, shape (H,)."""
        return np.bincount(self.stratum_of_psu)

    @property
    def words(self) -> str:
        """Strata and clusters, as said in methods."""
        if self.is_simple:
            return "no strata or clusters declared"
        units = f"{self.stratum_of_psu.size:,} {'clusters' if self.has_clusters else 'respondents'}"
        return f"{units} in {self.n_units.size} strata" if self.has_strata else units

    def variance_of_total(self, contribution: FloatArray) -> float:
        """Variance of a sum over respondents by linearisation: units are drawn with replacement within strata.

        Args:
            contribution: shape (R,), 0 outside the domain.

        Source: Wolter 2007, Introduction to Variance Estimation, section 1.4 (ultimate clusters).
        """
        total = np.bincount(self.psu, weights=contribution, minlength=self.stratum_of_psu.size)
        n = self.n_units.astype(np.float64)
        mean = np.bincount(self.stratum_of_psu, weights=total, minlength=n.size) / n
        spread = np.bincount(self.stratum_of_psu, weights=(total - mean[self.stratum_of_psu]) ** 2, minlength=n.size)
        return float((n / np.maximum(n - 1, 1) * spread).sum())


def simple_design(n: int) -> SamplingDesign:
    """Everyone a unit of one stratum."""
    return SamplingDesign(np.arange(n), np.zeros(n, dtype=np.int64))


def design_of(strata: list[str | None], clusters: list[str | None]) -> SamplingDesign:
    """The design of declared strata and clusters, one entry a respondent.

    A missing stratum is a stratum of its own, a respondent without a cluster is a cluster. Clusters are nested in
    strata. A stratum with one unit has no spread of its own: all such strata are put together, and one that is
    left alone joins the stratum before it.
    """
    has_strata, has_clusters = _declared(strata), _declared(clusters)
    if not (has_strata or has_clusters):
        return simple_design(len(strata))
    stratum = _indexes([s if s is not None else "" for s in strata]) if has_strata else np.zeros(len(strata), np.int64)
    named = [f"c{c}" if c is not None else f"r{i}" for i, c in enumerate(clusters)]
    psu = _indexes([f"{s}/{c}" for s, c in zip(stratum, named, strict=True)])
    stratum_of_psu = np.zeros(int(psu.max()) + 1, dtype=np.int64)
    stratum_of_psu[psu] = stratum
    return SamplingDesign(psu, _without_lonely(stratum_of_psu), has_strata, has_clusters)


def _declared(names: list[str | None]) -> bool:
    return any(name is not None for name in names)


def _indexes(names: list[str]) -> IntArray:
    codes, _ = pd.factorize(np.asarray(names, dtype=object), sort=True)
    return np.asarray(codes, dtype=np.int64)


def _without_lonely(stratum_of_psu: IntArray) -> IntArray:
    alone = np.bincount(stratum_of_psu)[stratum_of_psu] == 1
    merged = np.where(alone, stratum_of_psu.max() + 1, stratum_of_psu)
    if alone.sum() == 1 and merged.size > 1:
        others = merged[~alone]
        merged = np.where(
            alone, others[np.flatnonzero(~alone) < np.flatnonzero(alone)[0]].max(initial=others.min()), merged
        )
    _, index = np.unique(merged, return_inverse=True)
    return np.asarray(index, dtype=np.int64)
