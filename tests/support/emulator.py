"""A real emulator process for tests: `with running_emulator(profile="azure", rpm=600) as emulator: ...`."""

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.config import EmulatorConfig
from emulator.process import RunningEmulator, start_emulator


@dataclass(frozen=True)
class TestEmulator:
    """A running emulator as tests see it."""

    __test__ = False

    running: RunningEmulator

    @property
    def base_url(self) -> str:
        """Of the API: .../v1, .../openai/v1 or .../openai."""
        return self.running.base_url

    @property
    def origin(self) -> str:
        """Scheme, host and port: what AzureOpenAI calls the endpoint."""
        return self.running.origin

    @property
    def admin_url(self) -> str:
        """Of the emulator's own addresses."""
        return self.running.admin_url

    @property
    def pid(self) -> int:
        """Process id."""
        return self.running.pid

    def purchases(self) -> dict[str, Any]:
        """total, distinct, repeated, by_id, bill_usd, bill_usd_exact, open, open_ids, arrivals_per_second ..."""
        return self._get("purchases")

    def purchase_lines(self) -> list[dict[str, Any]]:
        """Every purchase, in order."""
        with urllib.request.urlopen(f"{self.admin_url}/purchases.jsonl", timeout=30) as response:
            return [json.loads(line) for line in response.read().split(b"\n") if line]

    def stats(self) -> dict[str, Any]:
        """arrived, admitted, statuses, faults, most_open, purchased, open, cpu_s, per_second ..."""
        return self._get("stats")

    def set_faults(self, **faults: Any) -> None:
        """Replace the faults; without arguments: none any more."""
        self._put("faults", faults)

    def set_batch_faults(self, **faults: Any) -> None:
        """Replace the faults of files and batches; without arguments: none any more."""
        self._put("batch-faults", faults)

    def batches(self) -> dict[str, Any]:
        """created, same_requests, batches [id, status, metadata, lines, done, failed ...], uploads, deleted, files."""
        return self._get("batches")

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Files, batches, jobs and deployments stay as they are inside, but for what `skip` lets pass."""
        speed = self._get("config")["batch_speed"]
        self._put("time", {"speed": 0})
        try:
            yield
        finally:
            self._put("time", {"speed": speed})

    def skip(self, service_s: float) -> None:
        """Let seconds of service time pass at once."""
        self._put("time", {"skip_s": service_s})

    def revoke_keys(self, *keys: str) -> None:
        """Refuse these keys from now on; without arguments: all of them."""
        self._put("keys", {"revoke": list(keys) if keys else "all"})

    def restore_keys(self) -> None:
        """Take revocations back."""
        self._put("keys", {"revoke": []})

    def stop(self) -> int:
        """End the process; returns its exit code."""
        return self.running.stop()

    def _get(self, name: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.admin_url}/{name}", timeout=30) as response:
            return json.load(response)

    def _put(self, name: str, body: Any) -> None:
        url, data = f"{self.admin_url}/{name}", json.dumps(body).encode()
        urllib.request.urlopen(urllib.request.Request(url, data, method="PUT"), timeout=30).close()


@contextmanager
def running_emulator(**options: Any) -> Iterator[TestEmulator]:
    """A real `python -m emulator` on a free port, stopped at the end.

    Args:
        options: fields of `EmulatorConfig`, for example profile, rpm, faults={"error_500": 0.1}, keys=("k",),
            latency={"median_s": 0.05}, deployments={"east": {"model": "gpt-4.1-mini"}}; and `port`.
    """
    port = options.pop("port", 0)
    with tempfile.TemporaryDirectory(prefix="nightpoll-test-") as folder:
        running = start_emulator(EmulatorConfig(**options), Path(folder), port=port)
        try:
            yield TestEmulator(running)
        finally:
            running.stop()
