"""The clock of files and batches: starts with the wall clock and runs faster by a factor."""

from emulator.service import Clock


class ServiceTime:
    """Seconds since 1970 as batches see them; one real second holds `speed` of them."""

    def __init__(self, speed: float, *, clock: Clock, wall: Clock) -> None:
        self._speed = speed
        self._clock = clock
        self._began_s = clock()
        self._began_at = wall()

    def now(self) -> float:
        """The present."""
        return self._began_at + (self._clock() - self._began_s) * self._speed

    def real_s(self, service_s: float) -> float:
        """How long a stretch of service time takes in real seconds."""
        return service_s / self._speed
