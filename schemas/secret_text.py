"""What looks like a key or password, so that it is neither kept in a file nor shown in a message. Pure."""

import itertools
import re

_PREFIXED = re.compile(r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|hf|AKIA|eyJ)[-_A-Za-z0-9.]{12,}")
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{32,}(?![0-9A-Za-z])")
_BASE64 = re.compile(r"(?<![0-9A-Za-z+/_-])[A-Za-z0-9+/_-]{32,}={0,2}(?![0-9A-Za-z+/_=-])")
_IN_ADDRESS = re.compile(r"://[^/@\s]+@|[?&](?:[a-z_-]*key|sig|token|secret|password)=[^&\s'\"`]*", re.IGNORECASE)
_KEY_NAMES = re.compile(
    r"(?:^|[_-])(?:(?:api[_-]?)?key|secret|password|passwd|credential)s?$|(?:^|[_-])(?:token|authorization)$",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"prompt_cache_key"})
_MIN_CHANGES = 0.38
"""Changes between lower case, upper case and digit, per character: 0.62 in random text, below 0.3 in names."""

_HIDDEN = "(not shown)"


def looks_secret(text: str) -> bool:
    """Whether a text reads like a key: a known prefix, 32 or more hex or base64 characters, a key in an address."""
    if _PREFIXED.search(text) or _HEX.search(text) or _IN_ADDRESS.search(text):
        return True
    return any(_looks_random(match.group()) for match in _BASE64.finditer(text))


def names_a_secret(key: str) -> bool:
    """Whether a YAML key says that its value is secret, as `api_key` does and `api_key_env` does not."""
    return key not in _NOT_SECRET and _KEY_NAMES.search(key) is not None


def shortened(value: object, *, limit: int = 40) -> str:
    """A value for a message: at most `limit` characters, and never a key."""
    text = value if isinstance(value, str) else repr(value)
    if looks_secret(text):
        return "a value that looks like a key (not shown)"
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return repr(cut) if isinstance(value, str) else cut


def redacted(text: str) -> str:
    """A message with everything in it that looks like a key replaced."""
    for pattern in (_PREFIXED, _HEX, _IN_ADDRESS):
        text = pattern.sub(_HIDDEN, text)
    return _BASE64.sub(lambda match: _HIDDEN if _looks_random(match.group()) else match.group(), text)


def _looks_random(text: str) -> bool:
    kinds = [_kind(c) for c in text if c.isalnum()]
    changes = sum(a != b for a, b in itertools.pairwise(kinds))
    return len(set(kinds)) == 3 and changes >= _MIN_CHANGES * len(kinds)


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "lower" if character.islower() else "upper"
