"""What was bought: the stand-in's own books, to hold ours against."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from emulator.answering.answers import Usage
from schemas.errors import SettingsError


class Purchase(NamedTuple):
    """One answer worked out and billed.

    Attributes:
        call_id: the caller's id, "" if it sent none.
        model, deployment: what served it, and its name on the wire.
        cost_usd: exact.
        accepted_at, answered_at: seconds since 1970.
        delivered: a whole, readable body was handed to an open connection.
        status: HTTP status; 0: the connection was cut.
        fault: name of the fault that struck, "" if none.
        batch_id: batch that it was worked off in; "" for a call of its own.
    """

    call_id: str
    model: str
    deployment: str
    usage: Usage
    cost_usd: Decimal
    accepted_at: float
    answered_at: float
    delivered: bool
    status: int
    fault: str
    batch_id: str = ""

    @property
    def transport(self) -> str:
        """How it was ordered: online or batch."""
        return "batch" if self.batch_id else "online"

    def as_line(self) -> dict[str, Any]:
        """The purchase as one JSON object; the price as text, so that no digit is lost."""
        return {
            "id": self.call_id,
            "model": self.model,
            "deployment": self.deployment,
            "prompt_tokens": self.usage.prompt_tokens,
            "cached_tokens": self.usage.cached_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "reasoning_tokens": self.usage.reasoning_tokens,
            "cost_usd": str(self.cost_usd),
            "accepted_at": round(self.accepted_at, 6),
            "answered_at": round(self.answered_at, 6),
            "delivered": self.delivered,
            "status": self.status,
            "fault": self.fault,
            "transport": self.transport,
            "batch_id": self.batch_id,
        }


class PurchaseLog:
    """Append-only list of purchases, and the calls that are being worked on."""

    def __init__(self, path: Path | None = None) -> None:
        """Start the books.

        Args:
            path: also append a JSON line per purchase to this file, flushed each.

        Raises:
            SettingsError: the file cannot be opened.
        """
        self.purchases: list[Purchase] = []
        self._open: dict[int, str] = {}
        self._file = None if path is None else _appending(path)

    def begin(self, number: int, call_id: str) -> None:
        """A call was accepted: it is open until it is answered or cut off."""
        self._open[number] = call_id

    def bought(self, purchase: Purchase) -> None:
        """The work of a call is done and billed."""
        self.purchases.append(purchase)
        if self._file is not None:
            self._file.write(json.dumps(purchase.as_line()) + "\n")
            self._file.flush()

    def end(self, number: int) -> None:
        """An open call was answered or cut off; safe to call twice."""
        self._open.pop(number, None)

    @property
    def n_open(self) -> int:
        """Calls accepted and not yet answered."""
        return len(self._open)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._file is not None:
            self._file.close()

    @property
    def open_ids(self) -> list[str]:
        """Client ids of the calls accepted and not yet answered."""
        return list(self._open.values())

    def summary(self, *, by_id: bool = True) -> dict[str, Any]:
        """Counts and bill; `bill_usd` is the float next to the exact sum in `bill_usd_exact`."""
        bill = sum((purchase.cost_usd for purchase in self.purchases), Decimal(0))
        delivered = sum((p.cost_usd for p in self.purchases if p.delivered), Decimal(0))
        counts = Counter(purchase.call_id for purchase in self.purchases)
        batched = [purchase.cost_usd for purchase in self.purchases if purchase.batch_id]
        return {
            "total": len(self.purchases),
            "distinct": len(counts),
            "repeated": sum(1 for n in counts.values() if n > 1),
            "undelivered": sum(1 for purchase in self.purchases if not purchase.delivered),
            "bill_usd": float(bill),
            "bill_usd_exact": str(bill),
            "delivered_bill_usd": float(delivered),
            "delivered_bill_usd_exact": str(delivered),
            "batch_total": len(batched),
            "batch_bill_usd_exact": str(sum(batched, Decimal(0))),
            "open": len(self._open),
            "open_ids": self.open_ids,
            "by_id": dict(counts) if by_id else {},
        }


def _appending(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise SettingsError("the purchases file cannot be written", where=str(path)) from error
