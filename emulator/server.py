"""Serve an emulator until a signal comes."""

import asyncio
import json
import os
import signal
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import uvicorn

from emulator.app import create_app
from emulator.config import EmulatorConfig
from emulator.service import Service
from emulator.wire.connections import CuttableProtocol
from schemas.errors import EnvironmentFailureError, ExitCode

LOOPBACK = "127.0.0.1"
GRACE_S = 5
"""How long open calls may finish after SIGTERM, in whole seconds."""
_BACKLOG = 2048
_KEEP_ALIVE_S = 75
_PARENT_CHECK_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    host: str,
    port: int,
    config: EmulatorConfig,
    ready_path: Path | None = None,
    *,
    uds: Path | None = None,
    follow_parent: bool = False,
) -> ExitCode:
    """Serve until SIGINT or SIGTERM, then let open calls finish for a few seconds. For the main thread only.

    Args:
        host: address to listen on.
        port: 0 picks a free one.
        config: the emulator's settings.
        ready_path: gets {port, base_url, admin_url, pid} as JSON, whole, once requests are taken.
        uds: listen on this Unix socket instead of host and port.
        follow_parent: stop when the process that started this one is gone.

    Returns:
        The exit code of a command: SIGINT, SIGTERM, or DONE when the parent went.

    Raises:
        SettingsError: the purchases file cannot be written.
        EnvironmentFailureError: the address cannot be listened on.
    """
    service = Service(config)
    listener = _listener(host, port, uds)
    server = _Server(_uvicorn_config(service), _ready(config, listener), ready_path, follow_parent)
    received: list[int] = []
    # uvicorn raises the signal again once it is done; ours must not kill the process before it has said goodbye.
    before = {number: signal.signal(number, lambda caught, _: received.append(caught)) for number in _SIGNALS}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        service.books.close()
        _remove(uds)
        _remove(ready_path)
    return _exit_code(received)


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: dict[str, object], ready_path: Path | None, follow_parent: bool
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._ready_path = ready_path
        self._parent = os.getppid() if follow_parent else None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready_path is not None:
            _write_whole(self._ready_path, json.dumps(self._ready))
        if self._parent is not None:
            self._watch = asyncio.create_task(self._watch_parent())

    async def _watch_parent(self) -> None:
        while os.getppid() == self._parent:
            await asyncio.sleep(_PARENT_CHECK_S)
        self.should_exit = True


def _uvicorn_config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(service.config, service),
        http=CuttableProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def _listener(host: str, port: int, uds: Path | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family if uds is None else socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if uds is None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        else:
            listener.bind(str(uds))
    except OSError as error:
        listener.close()
        where = f"{host}:{port}" if uds is None else str(uds)
        hint = "Choose another port, or 0 for a free one."
        raise EnvironmentFailureError(
            "the emulator cannot listen here: " + str(error.strerror), where=where, hint=hint
        ) from error
    return listener


def _ready(config: EmulatorConfig, listener: socket.socket) -> dict[str, object]:
    if listener.family == socket.AF_UNIX:
        port, origin = 0, "http://localhost"
    else:
        host, port = listener.getsockname()[:2]
        origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return {
        "port": port,
        "origin": origin,
        "base_url": origin + config.base_path,
        "admin_url": f"{origin}/emulator",
        "pid": os.getpid(),
    }


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as scratch:
        scratch.write(text)
    Path(scratch.name).replace(path)


def _remove(path: Path | None) -> None:
    if path is not None:
        with suppress(FileNotFoundError):
            path.unlink()


def _exit_code(received: list[int]) -> ExitCode:
    if not received:
        return ExitCode.DONE
    return ExitCode.SIGINT if received[0] == signal.SIGINT else ExitCode.SIGTERM
