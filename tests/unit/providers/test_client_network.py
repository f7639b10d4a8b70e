"""Chat clients on secure connections and through proxies."""

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web

from schemas.errors import TransientModelError
from tests.support.chat_clients import KEY, call, make_client
from tests.support.chat_server import answering, chat_server


@pytest.fixture
def certificate(tmp_path):
    """A certificate of its own making for 127.0.0.1, and its key."""
    made, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", made], check=True, capture_output=True)
    return made, key


@asynccontextmanager
async def https_server(certificate) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await answering()(request)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(handle), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_client_does_not_speak_to_a_host_whose_certificate_it_cannot_check(certificate):
    async with https_server(certificate) as url:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(url))

    assert (caught.value.code, caught.value.maybe_paid) == ("tls_failed", False)


async def test_client_trusts_the_certificates_that_the_environment_names(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    async with https_server(certificate) as url:
        reply = await call(make_client(url))

    assert reply.text == "2"


async def test_client_calls_a_port_without_tls_a_failed_secure_connection():
    async with chat_server() as server:
        with pytest.raises(TransientModelError) as caught:
            await call(make_client(server.url.replace("http", "https")))

    assert (caught.value.code, caught.value.maybe_paid) == ("tls_failed", False)


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
async def test_client_goes_through_the_proxy_of_the_environment(name, monkeypatch):
    async with chat_server() as proxy:
        monkeypatch.setenv(name, proxy.url.replace("//", "//me:word@"))
        reply = await call(make_client("http://service.invalid"))

    (got,) = proxy.received
    assert (reply.text, got.headers["Host"]) == ("2", "service.invalid")
    assert got.headers["Proxy-Authorization"].startswith("Basic ")
    assert got.headers["Authorization"] == f"Bearer {KEY}"


async def test_client_calls_hosts_without_proxy_directly(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with chat_server() as server:
        reply = await call(make_client(server.url))

    assert reply.text == "2"


async def test_client_calls_a_dead_proxy_unreachable_and_unpaid(monkeypatch):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(TransientModelError) as caught:
            await call(make_client("http://service.invalid"))

    assert (caught.value.code, caught.value.maybe_paid) == ("unreachable", False)


async def test_client_sends_no_password_from_netrc(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with chat_server() as server:
        await call(make_client(server.url, "azure"))

    assert "Authorization" not in server.received[0].headers
