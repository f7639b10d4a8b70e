"""Verdict flags: conditions a reader must not miss, computed the same way for arms and for baselines.

Source: evaluation specification, sections 2.2 and 4. All figures are weighted.
"""

from dataclasses import dataclass

SIMULATED_SERVICE = "SIMULATED_SERVICE"
IN_SAMPLE = "IN_SAMPLE"
SPLIT_BY_ROW = "SPLIT_BY_ROW"
MIXED = "MIXED"
WORSE_THAN_MAJORITY = "WORSE_THAN_MAJORITY"
EQUALS_CONSTANT = "EQUALS_CONSTANT"
COLLAPSED = "COLLAPSED"
NOT_BETTER_THAN_LOGIT = "NOT_BETTER_THAN_LOGIT"
LOW_COVERAGE = "LOW_COVERAGE"
SMALL_CELL = "SMALL_CELL"
BELOW_FLOOR = "BELOW_FLOOR"

LOW_ENTROPY_RATIO = 0.5
ONE_CODE_SHARE = 0.95
HUMAN_MODE_SHARE = 0.90
ENOUGH_COVERAGE = 0.98
MINIMUM_CELL = 100
_ROUNDING = 1e-12

SHARED_WITH_LOGIT = frozenset({COLLAPSED, EQUALS_CONSTANT, WORSE_THAN_MAJORITY})
"""Flags that are told with what the logit does, because any argmax of weak signal earns them."""


@dataclass(frozen=True)
class Evidence:
    """What flags are drawn from; None where undefined or not applicable.

    Attributes:
        entropy_ratio: of the answers (argmax), as are `modal_share` and `n_codes_used`.
        logit_gain_low: lower end of the paired interval of accuracy minus the logit's.
        tv: total variation of the arm, by its probabilities if it has them.
        mixed: several models or versions answered, or only a part of the respondents is in sample.
        floor_p95: 95th percentile of the humans against their own resamples.
    """

    n_eligible: int
    n_codes_used: int
    coverage: float | None
    accuracy: float | None
    entropy_ratio: float | None
    modal_share: float | None
    human_modal_share: float | None
    majority_accuracy: float | None
    logit_gain_low: float | None
    tv: float | None
    floor_p95: float | None
    simulated: bool = False
    in_sample: bool = False
    mixed: bool = False


def flags_of(e: Evidence) -> tuple[str, ...]:
    """Flags of one cell, gravest first."""
    found = {
        SIMULATED_SERVICE: e.simulated,
        IN_SAMPLE: e.in_sample,
        MIXED: e.mixed,
        WORSE_THAN_MAJORITY: _below(e.accuracy, e.majority_accuracy),
        EQUALS_CONSTANT: e.n_codes_used == 1,
        COLLAPSED: _collapsed(e),
        NOT_BETTER_THAN_LOGIT: e.logit_gain_low is not None and e.logit_gain_low <= 0,
        LOW_COVERAGE: e.coverage is not None and e.coverage < ENOUGH_COVERAGE,
        SMALL_CELL: e.n_eligible < MINIMUM_CELL,
        BELOW_FLOOR: e.tv is not None and e.floor_p95 is not None and e.tv <= e.floor_p95,
    }
    return tuple(name for name, holds in found.items() if holds)


def _below(value: float | None, other: float | None) -> bool:
    return value is not None and other is not None and value < other - _ROUNDING


def _collapsed(e: Evidence) -> bool:
    few = e.entropy_ratio is not None and e.entropy_ratio < LOW_ENTROPY_RATIO
    if e.modal_share is None or e.human_modal_share is None:
        return few
    return few or (e.modal_share > ONE_CODE_SHARE and e.human_modal_share < HUMAN_MODE_SHARE)
