"""Faults that strike a number of calls, and how many they have struck."""

from collections import Counter

from pydantic import BaseModel


class Strikes:
    """Counts what is left of such faults from the moment they are set."""

    def __init__(self, faults: BaseModel) -> None:
        """Take a number of calls under the name of each fault."""
        self._faults = faults
        self._spent: Counter[str] = Counter()

    def spend(self, name: str) -> bool:
        """Whether this call is to be struck; if so, one strike less is left."""
        is_struck: bool = self._spent[name] < getattr(self._faults, name)
        self._spent[name] += is_struck
        return is_struck
