"""What a list of models, or its absence, says of an endpoint."""

import http.server
import threading
from contextlib import contextmanager

import pytest

from cli.endpoint_probe import probe
from schemas.errors import ExitCode
from schemas.models import Model
from tests.support.emulator import running_emulator


def model(base_url, *, provider="openai", **deployment):
    values = {"name": "d", "base_url": base_url, "auth": "none", "rpm": 60} | deployment
    version = {"api_version": "2024-10-21"} if provider == "azure" else {}
    return Model.model_validate({"provider": provider, "model": "gpt-4.1-mini", "deployments": [values], **version})


def probed(made, environ=None):
    return probe(made, made.deployments[0], {} if environ is None else environ, patience_s=2)


@contextmanager
def answering(status, body=b"", **headers):
    """A server that says the same to everyone; yields (base_url, headers of each request)."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("provider", ["openai", "azure_v1", "azure"])
def test_emulator_of_every_profile_is_found(provider):
    with running_emulator(profile=provider, keys=("k",)) as emulator:
        made = model(emulator.base_url, provider=provider, auth="key", api_key_env="K")

        assert probed(made, {"K": "k"}).is_ok
        assert probed(made, {"K": "x"}).exit_code == ExitCode.SERVICE_REFUSED


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        pytest.param(200, b"<html>", ExitCode.WRONG_INPUT, id="no list"),
        pytest.param(200, b'{"data": [{"id": "other"}]}', ExitCode.SERVICE_REFUSED, id="other models"),
        pytest.param(404, b"", ExitCode.WRONG_INPUT, id="wrong path"),
        pytest.param(503, b"", ExitCode.ENVIRONMENT, id="down"),
    ],
)
def test_answer_that_helps_nobody_is_told(status, body, code):
    with answering(status, body) as (base_url, _):
        assert probed(model(base_url)).exit_code == code


def test_redirect_is_not_followed_with_the_key():
    with answering(200, b'{"data": []}') as (other, seen), answering(302, Location=other) as (base_url, _):
        found = probed(model(base_url, auth="bearer", api_key_env="K"), {"K": "k"})

    assert not found.is_ok
    assert seen == []


def test_entra_endpoint_that_asks_for_a_sign_in_is_there():
    with answering(401) as (base_url, _):
        assert probed(model(base_url, provider="azure_v1", auth="entra")).is_ok


def test_host_that_does_not_exist_is_told_without_a_traceback():
    assert probed(model("https://nobody.invalid/v1")).exit_code == ExitCode.ENVIRONMENT
