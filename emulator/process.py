"""An emulator as a child process: started, waited for, stopped by its own process id."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.config import EmulatorConfig
from schemas.errors import EnvironmentFailureError

READY_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_LOOK_EVERY_S = 0.02
_KEYS_VARIABLE = "NIGHTPOLL_EMULATOR_KEYS"
_TOKENS_VARIABLE = "NIGHTPOLL_EMULATOR_TOKENS"


@dataclass(frozen=True)
class RunningEmulator:
    """A child process that serves.

    Attributes:
        base_url: of the API, without a slash at its end.
        origin: scheme, host and port.
        admin_url: of the emulator's own addresses.
    """

    process: subprocess.Popen[bytes]
    base_url: str
    origin: str
    admin_url: str

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def stop(self) -> int:
        """End it: SIGTERM, then SIGKILL if open calls do not finish in time. Safe to call twice.

        Returns:
            Its exit code; negative: killed by that signal.
        """
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(_STOP_TIMEOUT_S)


def start_emulator(
    config: EmulatorConfig,
    folder: Path,
    *,
    port: int = 0,
    ready_timeout_s: float = READY_TIMEOUT_S,
    follow_parent: bool = True,
) -> RunningEmulator:
    """Start an emulator on the loopback and wait until it takes requests.

    Args:
        config: its settings; keys and tokens travel in the child's environment, never in a file or an argument.
        folder: existing folder for its settings, ready file and log.
        port: 0 for a free one.
        ready_timeout_s: how long to wait.
        follow_parent: it stops by itself when this process is gone.

    Raises:
        EnvironmentFailureError: it ended or did not listen in time; says what it wrote.
    """
    scratch = Path(tempfile.mkdtemp(prefix="emulator-", dir=folder))
    settings, ready, log = scratch / "config.json", scratch / "ready.json", scratch / "emulator.log"
    settings.write_text(config.model_dump_json(), encoding="utf-8")
    environ, secrets = _secrets(config)
    command = [sys.executable, "-m", "emulator", "--port", str(port), "--config", str(settings)]
    command += ["--ready-file", str(ready), *secrets, *(["--follow-parent"] if follow_parent else [])]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _await_ready(process, ready, log, ready_timeout_s)


def _await_ready(process: subprocess.Popen[bytes], ready: Path, log: Path, timeout_s: float) -> RunningEmulator:
    deadline_s = time.monotonic() + timeout_s
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            process.kill()
            process.wait()
            wrote = log.read_text("utf-8", errors="replace").strip()
            raise EnvironmentFailureError(f"the emulator did not start: {wrote[-400:]}", where=str(log))
        _pause(process)
    told = json.loads(ready.read_text("utf-8"))
    return RunningEmulator(process, told["base_url"], told["origin"], told["admin_url"])


def _pause(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_LOOK_EVERY_S)
    except subprocess.TimeoutExpired:
        return


def _secrets(config: EmulatorConfig) -> tuple[dict[str, str], list[str]]:
    package_root = str(Path(__file__).resolve().parent.parent)
    environ: dict[str, str] = dict(_inherited(os.environ))
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, [package_root, environ.get("PYTHONPATH")]))
    options: list[str] = []
    for option, variable, values in (
        ("--key-env", _KEYS_VARIABLE, config.keys),
        ("--token-env", _TOKENS_VARIABLE, config.tokens),
    ):
        if values:
            environ[variable] = ",".join(value.get_secret_value() for value in values)
            options += [option, variable]
    return environ, options


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in (_KEYS_VARIABLE, _TOKENS_VARIABLE)}
