"""What comes from a service without the key that was sent to it: answers and result files are kept. Pure."""

import json
from collections.abc import Iterable, Iterator

REMOVED = b"[removed]"


class KeyFilter:
    """Takes keys out of a stream of bytes, also where they lie across two pieces."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings = [spelling for secret in secrets if secret for spelling in _spellings(secret)]
        self._longest = max(map(len, self._spellings), default=1)
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What may be written now; the end is held back while it could be the beginning of a key."""
        whole = self._clean(self._held + piece)
        cut = max(0, len(whole) - self._longest + 1)
        self._held = whole[cut:]
        return whole[:cut]

    def end(self) -> bytes:
        """The rest."""
        rest, self._held = self._held, b""
        return rest

    def _clean(self, content: bytes) -> bytes:
        for spelling in self._spellings:
            content = content.replace(spelling, REMOVED)
        return content


def without_keys(content: bytes, secrets: Iterable[str]) -> bytes:
    """A whole content without them."""
    keys = KeyFilter(secrets)
    return keys.feed(content) + keys.end()


def _spellings(secret: str) -> Iterator[bytes]:
    """As it is, and as JSON may write it; longest first."""
    quoted = json.dumps(secret)[1:-1]
    found = {secret, quoted, quoted.replace("/", "\\/")}
    yield from (spelling.encode() for spelling in sorted(found, key=len, reverse=True))
