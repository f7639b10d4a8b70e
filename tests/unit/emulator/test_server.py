"""The process around the emulator: quotas over HTTP, purchases file, Unix socket, signals, parent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.support.emulator import running_emulator
from tests.support.until import until

BODY = {"model": "gpt-4.1-mini", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
ROOT = Path(__file__).resolve().parents[3]


def post(emulator, **more) -> httpx2.Response:
    return httpx2.post(f"{emulator.base_url}/chat/completions", json=BODY | more, timeout=20)


def test_openai_quota_answers_429_with_duration_headers_and_seconds():
    with running_emulator(rpm=2, burst_requests=2, tpm=1000) as emulator:
        first = post(emulator)
        refused = [post(emulator), post(emulator)][1]

    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert first.headers["x-ratelimit-limit-tokens"] == "1000"
    assert first.headers["x-ratelimit-reset-requests"].endswith(("s", "m0s"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 55 <= int(refused.headers["retry-after"]) <= 60
    assert "retry-after-ms" not in refused.headers


def test_azure_quota_answers_429_with_both_hints_and_what_remains():
    with running_emulator(profile="azure_v1", rpm=1) as emulator:
        post(emulator)
        refused = post(emulator)

    assert refused.json()["error"]["code"] == "429"
    assert 0 <= 1000 * int(refused.headers["retry-after"]) - int(refused.headers["retry-after-ms"]) < 1000
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert "x-ratelimit-limit-requests" not in refused.headers


def test_dated_version_that_does_not_exist_is_not_found():
    with running_emulator(profile="azure") as emulator:
        statuses = [
            httpx2.get(f"{emulator.base_url}/models?api-version={version}").status_code
            for version in ("2020-01-01", "2024-10-21", "2025-04-01-preview")
        ]

    assert statuses == [404, 200, 200]


def test_deployments_of_one_pool_share_its_quota():
    served = {name: {"model": "gpt-4.1-mini", "rpm": 1, "pool": "shared"} for name in ("east", "west")}
    with running_emulator(profile="azure_v1", deployments=served) as emulator:
        statuses = [post(emulator, model=name).status_code for name in ("east", "west")]
        counted = emulator.stats()

    assert statuses == [200, 429]
    assert (counted["arrived"], counted["admitted"]) == (2, 1)


def test_purchases_file_survives_a_kill(tmp_path):
    with running_emulator(purchases=tmp_path / "bought.jsonl") as emulator:
        post(emulator)
        os.kill(emulator.pid, signal.SIGKILL)
        emulator.stop()

    (line,) = (tmp_path / "bought.jsonl").read_text().splitlines()
    assert json.loads(line)["model"] == "gpt-4.1-mini"


def test_open_calls_finish_after_sigterm(tmp_path):
    bought = tmp_path / "bought.jsonl"
    with running_emulator(latency={"median_s": 4, "sigma": 0}, purchases=bought) as emulator:
        with pytest.raises(httpx2.TimeoutException):
            httpx2.post(f"{emulator.base_url}/chat/completions", json=BODY, timeout=1)
        assert emulator.stop() == 143

    assert len(bought.read_text().splitlines()) == 1


def start(*options: str) -> subprocess.Popen:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "emulator", *options], env=environ, stderr=subprocess.PIPE)


def test_unix_socket_serves_and_is_removed(tmp_path):
    path, ready = tmp_path / "e.sock", tmp_path / "ready.json"
    process = start("--uds", str(path), "--ready-file", str(ready))
    until(ready.exists, deadline_s=20)
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path))) as client:
        status = client.post(json.loads(ready.read_text())["base_url"] + "/chat/completions", json=BODY).status_code
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert (status, process.returncode) == (200, 130)
    assert not path.exists()
    assert not ready.exists()


def test_wrong_option_value_ends_in_one_line_and_exit_code_2():
    process = start("--port", "0", "--deployment", "east=gpt-9")
    _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert len(said.splitlines()) == 1
    assert b"gpt-9" in said


def test_emulator_ends_when_its_parent_is_killed(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom emulator.config import EmulatorConfig\n"
        "from emulator.process import start_emulator\n"
        f"print(start_emulator(EmulatorConfig(), Path({str(tmp_path)!r})).pid, flush=True)\nsys.stdin.read()\n"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()

    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie", deadline_s=10)
