"""Lines in an order that only a seed and the lines decide, whatever their number: sorted by hash, in pieces on disk."""

from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO

N_BUCKETS = 64
_KEY_BYTES = 8


class Shuffle:
    """Collects lines; `lines` gives them back in the order of their keys, each key once. A folder holds the rest."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._folder = folder
        self._seed = str(seed).encode()
        self._files: list[IO[bytes]] = []
        self.n_duplicates = 0
        self.n_lines = 0

    def __enter__(self) -> "Shuffle":
        with ExitStack() as opened:
            self._files = [opened.enter_context((self._folder / f"{i:02d}").open("w+b")) for i in range(N_BUCKETS)]
            self._opened = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._opened.close()

    def add(self, whose: str, line: bytes) -> None:
        """Take a line in; the same line of the same `whose` counts once."""
        digest = blake2b(line, digest_size=_KEY_BYTES, key=self._seed, salt=b"")
        digest.update(whose.encode())
        key = digest.digest()
        self._files[key[0] % N_BUCKETS].write(key + len(line).to_bytes(4, "big") + line)

    def lines(self) -> Iterator[bytes]:
        """All lines; call once, after the last `add`."""
        for file in self._files:
            file.seek(0)
            found: dict[bytes, bytes] = {}
            while header := file.read(_KEY_BYTES + 4):
                line = file.read(int.from_bytes(header[_KEY_BYTES:], "big"))
                self.n_duplicates += header[:_KEY_BYTES] in found
                found[header[:_KEY_BYTES]] = line
            self.n_lines += len(found)
            yield from (found[key] for key in sorted(found))
