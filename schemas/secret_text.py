"""What looks like a key or password, so that it is neither kept in a file nor shown in a message. Pure."""

import math
import re
from collections import Counter

_PREFIXED = re.compile(r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|hf|AKIA|eyJ)[-_A-Za-z0-9.]{12,}")
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])")
_BASE64 = re.compile(r"(?<![0-9A-Za-z+/_-])[A-Za-z0-9+/_-]{32,}={0,2}(?![0-9A-Za-z+/_=-])")
_IN_ADDRESS = re.compile(r"://[^/@\s]+@|[?&](?:[a-z_-]*key|sig|token|secret|password)=", re.IGNORECASE)
_KEY_NAMES = re.compile(
    r"(?:^|[_-])(?:api[_-]?key|key|secret|password|passwd|token|access[_-]?token|credential|authorization)s?$",
    re.IGNORECASE,
)
_MIN_BITS_PER_CHARACTER = 3.5
"""Random base64 of 32 characters has well over 4; words joined by dashes or slashes stay below or hold no digit."""


def looks_secret(text: str) -> bool:
    """Whether a text reads like a key: a known prefix, 32 or more hex or base64 characters, a key in an address."""
    if _PREFIXED.search(text) or _HEX.search(text) or _IN_ADDRESS.search(text):
        return True
    return any(_looks_random(match.group()) for match in _BASE64.finditer(text))


def names_a_secret(key: str) -> bool:
    """Whether a YAML key says that its value is secret, as `api_key` does and `api_key_env` does not."""
    return _KEY_NAMES.search(key) is not None


def shortened(value: object, *, limit: int = 40) -> str:
    """A value for a message: at most `limit` characters, and never a key."""
    text = value if isinstance(value, str) else repr(value)
    if looks_secret(text):
        return "a value that looks like a key (not shown)"
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return repr(cut) if isinstance(value, str) else cut


def _looks_random(text: str) -> bool:
    mixed = any(c.isdigit() for c in text) and any(c.islower() for c in text) and any(c.isupper() for c in text)
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return mixed and bits >= _MIN_BITS_PER_CHARACTER
