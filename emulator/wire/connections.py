"""Connections of uvicorn's HTTP/1.1 protocol that can be cut, and that send a response in one piece."""

import asyncio
from typing import Any, cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "emulator_transport"


class CuttableProtocol(H11Protocol):
    """Puts the transport into every request's state, where `cut` finds it, and gathers what is written."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport of this connection."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, _TRANSPORT: transport}
        self.transport = cast("asyncio.Transport", _GatheringTransport(transport, self.loop))


class _GatheringTransport:
    """Sends at the end of the loop's turn what was written in it: head and body in one system call, not two.

    Sending is what a small answer costs most on a busy machine.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport has
        return getattr(self._transport, name)


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
