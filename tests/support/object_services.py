"""Real object services on loopback: moto's S3 server, Azurite where its program is installed."""

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.error import URLError

from tests.support.ports import free_port
from tests.support.until import until

BUCKET = "surveys"
_ACCOUNT = "devstoreaccount1"
_VERSION = "2021-08-06"
_KEY = base64.b64encode(hashlib.sha512(b"the key of a server that nobody else reaches").digest()).decode()
AZURITE = "AZURITE_BLOB"
"""Names the program azurite-blob (npm package azurite) where it is not on the PATH."""
_PROGRAM = os.environ.get(AZURITE)  # before tests get their clean environment


@dataclass(frozen=True)
class ObjectService:
    """A running service with an empty bucket.

    Attributes:
        uri: of a store in it.
        port: it listens on.
        variable: the variable that names its endpoint; `path` follows host and port there.
        secrets: other variables a process needs.
    """

    uri: str
    port: int
    variable: str
    path: str
    secrets: dict[str, str]

    def environ(self, port: int | None = None) -> dict[str, str]:
        """What a process needs to reach it, through another port if one is named."""
        return self.secrets | {self.variable: f"http://127.0.0.1:{self.port if port is None else port}{self.path}"}


def azurite_program() -> str | None:
    """The program, None where it is not installed."""
    return _PROGRAM or shutil.which("azurite-blob")


@contextmanager
def s3_service(log: Path, *, checks_keys: bool = False) -> Iterator[ObjectService]:
    """moto's server, one process; with `checks_keys` it knows nobody once the bucket is made."""
    port = free_port()
    secrets = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_REGION": "us-east-1"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, log, {"INITIAL_NO_AUTH_ACTION_COUNT": "1"} if checks_keys else {}):
        _request(f"http://127.0.0.1:{port}/{BUCKET}", {})
        yield ObjectService(f"s3://{BUCKET}/lab", port, "AWS_ENDPOINT_URL", "", secrets)


@contextmanager
def blob_service(log: Path, folder: Path) -> Iterator[ObjectService]:
    """Azurite's blob server."""
    program, port = azurite_program(), free_port()
    assert program is not None, f"install azurite with npm, or name azurite-blob in {AZURITE}"
    secrets = {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _KEY}
    command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)]
    command += ["--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    with _running(command, port, log, {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}"}):
        _make_container(f"http://127.0.0.1:{port}/{_ACCOUNT}/{BUCKET}?restype=container")
        yield ObjectService(f"abfs://{BUCKET}@{_ACCOUNT}/lab", port, "AZURE_STORAGE_ENDPOINT", f"/{_ACCOUNT}", secrets)


@contextmanager
def _running(command: list[str], port: int, log: Path, environ: dict[str, str]) -> Iterator[None]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | environ, cwd=log.parent
        )
    try:
        until(lambda: process.poll() is not None or _listens(port), deadline_s=60, what="the object service")
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        yield
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _make_container(url: str) -> None:
    date = formatdate(usegmt=True)
    signed = f"PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{_VERSION}\n/{_ACCOUNT}/{_ACCOUNT}/{BUCKET}"
    digest = hmac.new(base64.b64decode(_KEY), f"{signed}\nrestype:container".encode(), hashlib.sha256).digest()
    signature = f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"
    _request(url, {"x-ms-date": date, "x-ms-version": _VERSION, "Authorization": signature})


def _request(url: str, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url, method="PUT", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except URLError as error:
        raise AssertionError(f"the service did not make the bucket: {error}") from error
