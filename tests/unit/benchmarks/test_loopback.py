"""The loopback endpoint: what it answers, refuses and counts."""

import http.client
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.loopback import COMPILERS, Loopback, compiled, running_loopback
from tests.support.until import until


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert any(shutil.which(name) for name in COMPILERS), "the loopback endpoint needs a C compiler"
    return compiled(tmp_path_factory.mktemp("loopback"))


@pytest.fixture
def endpoint(program: Path) -> Iterator[Loopback]:
    with running_loopback(program, latency_ms=1, completion_tokens=7, prompt_tokens=100) as running:
        yield running


def call(endpoint: Loopback, connection: http.client.HTTPConnection | None = None) -> tuple[int, Any, Any]:
    client = http.client.HTTPConnection("127.0.0.1", endpoint.port) if connection is None else connection
    body = json.dumps({"messages": [], "max_completion_tokens": 50})
    client.request("POST", "/v1/chat/completions", body=body, headers={"content-type": "application/json"})
    response = client.getresponse()
    found = json.loads(response.read())
    if connection is None:
        client.close()
    return response.status, found, response.headers


def test_a_chat_call_is_answered_as_a_simulated_service(endpoint: Loopback) -> None:
    status, body, _ = call(endpoint)
    assert status == 200
    assert body["choices"][0]["message"]["content"] == "3"
    assert body["system_fingerprint"] == "fp_emulator_loopback"
    assert body["usage"]["prompt_tokens"] == 100
    assert body["usage"]["completion_tokens"] == 7


def test_several_calls_on_one_connection_are_counted_by_their_arrival(endpoint: Loopback) -> None:
    client = http.client.HTTPConnection("127.0.0.1", endpoint.port)
    for _ in range(5):
        assert call(endpoint, client)[0] == 200
    client.close()
    stats = endpoint.stats()
    assert stats["arrived"] == stats["admitted"] == stats["answered"] == 5
    assert sum(stats["per_100ms"]) == 5
    assert sum(stats["tokens_per_100ms"]) == 5 * (100 + 50)
    assert stats["worst_second"] == 5


def test_calls_over_the_minute_or_the_second_are_refused_with_a_hint(program: Path) -> None:
    with running_loopback(program, latency_ms=1, rpm=3, second_slack=100.0) as minute:
        assert [call(minute)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
        assert minute.stats()["refused_minute"] == 2
    with running_loopback(program, latency_ms=1, rpm=120) as second:
        answers = [call(second) for _ in range(4)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 429]
        assert 0 < float(answers[-1][2]["retry-after-ms"]) <= 1000
        assert answers[-1][1]["error"]["code"] == "rate_limit_exceeded"


def test_tokens_are_booked_by_maximum_or_as_used(program: Path) -> None:
    quota = {"tpm": 300, "prompt_tokens": 100, "completion_tokens": 5, "latency_ms": 1}
    with running_loopback(program, counting="max_tokens", **quota) as maximum:
        assert [call(maximum)[0] for _ in range(3)] == [200, 200, 429]
        assert maximum.stats()["worst_minute_tokens"] == 300
    with running_loopback(program, counting="actual", **quota) as actual:
        assert [call(actual)[0] for _ in range(3)] == [200, 200, 429]
        assert actual.stats()["worst_minute_tokens"] == 210
        assert actual.stats()["refused_tokens"] == 1


def test_a_reset_forgets_everything(endpoint: Loopback) -> None:
    call(endpoint)
    endpoint.reset()
    assert endpoint.stats()["arrived"] == 0
    call(endpoint)
    assert endpoint.stats()["answered"] == 1


def test_a_caller_that_hangs_up_does_not_end_it(program: Path) -> None:
    with running_loopback(program, latency_ms=50) as endpoint:
        client = http.client.HTTPConnection("127.0.0.1", endpoint.port)
        client.request("POST", "/v1/chat/completions", body="{}")
        client.close()
        until(lambda: endpoint.stats()["broken"] == 1, what="the unwanted answer")
        assert call(endpoint)[0] == 200
