"""Who may call: keys and tokens, and their revocation in mid-run."""

from collections.abc import Iterable, Mapping

from emulator.config import EmulatorConfig
from emulator.wire.refusals import unauthorized

_BEARER = b"bearer "


class Access:
    """Accepted credentials. Without any configured, everybody may call until something is revoked."""

    def __init__(self, config: EmulatorConfig) -> None:
        self._config = config
        self._keys = {key.get_secret_value().encode() for key in config.keys}
        self._tokens = {token.get_secret_value().encode() for token in config.tokens}
        self._is_open = not (self._keys or self._tokens)
        self._is_revoked = False
        self._revoked: set[bytes] = set()

    def revoke(self, credentials: Iterable[str] | None) -> None:
        """Refuse these keys and tokens from now on; None: all of them."""
        if credentials is None:
            self._is_revoked = True
        else:
            self._revoked.update(credential.encode() for credential in credentials)

    def restore(self) -> None:
        """Take every revocation back."""
        self._is_revoked = False
        self._revoked.clear()

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Let a request pass.

        Raises:
            Refusal: 401.
        """
        key = headers.get(b"api-key") if self._config.is_azure else None
        bearer = headers.get(b"authorization")
        token = bearer[len(_BEARER) :] if bearer is not None and bearer.lower().startswith(_BEARER) else None
        if not self._passes(key, token):
            given = key is not None or token is not None
            raise unauthorized(self._config, bearer=key is None and token is not None, given=given)

    def _passes(self, key: bytes | None, token: bytes | None) -> bool:
        if self._is_revoked or key in self._revoked or token in self._revoked:
            return False
        if self._is_open or key in self._keys:
            return True
        bearers = self._tokens if self._config.profile == "azure" else self._tokens | self._keys
        return token in bearers
