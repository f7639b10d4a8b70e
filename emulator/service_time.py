"""The clock of files, batches and jobs: starts with the wall clock, runs faster by a factor, and can be set by hand."""

from math import inf
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from emulator.faults import checked_faults
from emulator.service import Clock


class TimeOrder(BaseModel):
    """How service time goes on from here.

    Attributes:
        speed: seconds of service time in a real one; 0: it stands still; None: as before.
        skip_s: seconds of service time to jump ahead now.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    speed: float | None = Field(None, ge=0)
    skip_s: float = Field(0.0, ge=0)


def parse_time_order(data: Any, *, where: str) -> TimeOrder:  # noqa: ANN401 - anything a JSON body may hold
    """An order from decoded JSON.

    Raises:
        SettingsError: not a mapping of the keys above to values in range.
    """
    return checked_faults(TimeOrder, data, TimeOrder.model_fields, kind="settings of time", where=where)


class ServiceTime:
    """Seconds since 1970 as batches see them; one real second holds `speed` of them."""

    def __init__(self, speed: float, *, clock: Clock, wall: Clock) -> None:
        self.speed = speed
        self._clock = clock
        self._began_s = clock()
        self._began_at = wall()

    def now(self) -> float:
        """The present."""
        return self._began_at + (self._clock() - self._began_s) * self.speed

    def real_s(self, service_s: float) -> float:
        """How long a stretch of service time takes in real seconds; infinite while time stands still."""
        return service_s / self.speed if self.speed else inf

    def obey(self, order: TimeOrder) -> None:
        """Jump ahead and go on at another speed; what was the present stays past."""
        self._began_at, self._began_s = self.now() + order.skip_s, self._clock()
        if order.speed is not None:
            self.speed = order.speed
