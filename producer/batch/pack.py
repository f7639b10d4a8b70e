"""How requests are cut into the input files of batches. Pure: sizes in, index ranges out."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.errors import OversizedRequestError

MAX_LINES = 50_000
"""Requests in one file.

Source: OpenAI, guide "Batch API", and Microsoft Learn, Azure OpenAI v1 reference (read 2026-11-22); Azure's how-to page
says 100,000.
"""
MAX_BYTES = 200_000_000
"""Size of one file. Source: the same pages; 200 MB read as the smaller of its two meanings."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one file may hold.

    Attributes:
        max_lines: requests.
        max_bytes: bytes, line feeds included.
        max_tokens: estimated prompt tokens; None: not limited. A single request above it gets a file of its own: only
            the service can say whether it fits.
    """

    max_lines: int = MAX_LINES
    max_bytes: int = MAX_BYTES
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits nothing fits into."""
        if min(self.max_lines, self.max_bytes, 1 if self.max_tokens is None else self.max_tokens) < 1:
            raise ValueError("limits of a batch must be at least 1")


class Cutter:
    """Says, request by request, where a new file begins."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self.n_lines = 0
        self.n_bytes = 0
        self.n_tokens = 0

    def add(self, n_bytes: int, n_tokens: int) -> bool:
        """Take the next request; True if a new file begins with it. The first one always begins a file.

        Args:
            n_bytes: of its line, line feed included.
            n_tokens: its estimated prompt tokens.

        Raises:
            OversizedRequestError: its line is larger than a whole file.
        """
        if n_bytes > self._limits.max_bytes:
            what = f"A request of {n_bytes} bytes is larger than a whole batch file of {self._limits.max_bytes}."
            raise OversizedRequestError(what, hint="Shorten the prompt or use `transport: online`.")
        begins = self.n_lines == 0 or not self._fits(n_bytes, n_tokens)
        if begins:
            self.n_lines = self.n_bytes = self.n_tokens = 0
        self.n_lines += 1
        self.n_bytes += n_bytes
        self.n_tokens += n_tokens
        return begins

    def _fits(self, n_bytes: int, n_tokens: int) -> bool:
        limits = self._limits
        return (
            self.n_lines < limits.max_lines
            and self.n_bytes + n_bytes <= limits.max_bytes
            and (limits.max_tokens is None or self.n_tokens + n_tokens <= limits.max_tokens)
        )


def pack(sizes: Iterable[tuple[int, int]], limits: BatchLimits) -> list[range]:
    """Index ranges of the files: every index once, in order, each file as full as its limits allow.

    Args:
        sizes: (bytes, tokens) of each request, as for `Cutter.add`.
        limits: of one file.

    Raises:
        OversizedRequestError: a line is larger than a whole file.
    """
    cutter, starts, n = Cutter(limits), list[int](), 0
    for n_bytes, n_tokens in sizes:
        if cutter.add(n_bytes, n_tokens):
            starts.append(n)
        n += 1
    return [range(start, end) for start, end in zip(starts, [*starts[1:], n], strict=False)]
