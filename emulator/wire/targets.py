"""What the names on the wire stand for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.catalogue import ModelFacts
from emulator.config import EmulatorConfig, Served
from emulator.quota import QuotaPool

if TYPE_CHECKING:
    from emulator.tuning.tuned_model import TunedModel


@dataclass(frozen=True, slots=True)
class Target:
    """What a name on the wire stands for.

    Attributes:
        tuned: what was trained; None: the base model speaks.
    """

    name: str
    served: Served
    facts: ModelFacts
    pool: QuotaPool
    tuned: "TunedModel | None" = None


def targets_of(config: EmulatorConfig) -> dict[str, Target]:
    """Every name on the wire; names with one `pool` share its counters, and the first one's limits."""
    models, pools, targets = config.models(), dict[str, QuotaPool](), dict[str, Target]()
    for name, served in config.served().items():
        pool = pools.setdefault(name if served.pool is None else served.pool, QuotaPool(config.limits_of(served)))
        targets[name] = Target(name, served, models[served.model], pool)
    return targets
