"""Connections that can be cut: uvicorn's HTTP/1.1 protocol, with the transport within the application's reach."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "emulator_transport"


class CuttableProtocol(H11Protocol):
    """Puts the transport into every request's state, where `cut` finds it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport of this connection."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, _TRANSPORT: transport}


def is_connected(scope: Scope) -> bool:
    """The caller has not hung up; True where the server does not tell."""
    transport = scope.get("state", {}).get(_TRANSPORT)
    return transport is None or not transport.is_closing()


async def cut(scope: Scope, receive: Receive) -> None:
    """Cut the connection without a response, and return when the server has seen it.

    Raises:
        RuntimeError: the server is not `emulator.server`, which alone can cut.
    """
    transport = scope.get("state", {}).get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("connections can only be cut under emulator.server")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
