"""TLS in front of a private server: the embedded Valkey is built without it."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def tls_proxy(folder: Path, socket: Path) -> Iterator[tuple[int, Path]]:
    """Port on 127.0.0.1 that speaks TLS for a Unix socket, and the certificate to trust."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(made, check=True, capture_output=True, timeout=20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []
    servers: list[asyncio.Server] = []

    async def serve() -> None:
        server = await asyncio.start_server(lambda r, w: _join(r, w, socket), "127.0.0.1", 0, ssl=context)
        servers.append(server)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield ports[0], certificate
    finally:
        loop.call_soon_threadsafe(servers[0].close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, socket: Path) -> None:
    inner: asyncio.StreamWriter | None = None
    try:
        inner_reader, inner = await asyncio.open_unix_connection(str(socket))
        await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))
    finally:
        for each in (writer, inner):
            if each is not None:
                each.transport.abort()  # a farewell over TLS could outlive the loop


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()


async def _end_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.05)  # transports close in the loop's next rounds
