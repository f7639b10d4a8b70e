"""A store on object storage that cannot be used: each cause has a message of its own, and no value is shown."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from schemas.errors import NoCredentialsError, StoreAwayError, StoreError
from storage.objects import bucket
from storage.store import open_store
from tests.support.cli_runs import CommandLine
from tests.support.object_services import blob_service, s3_service

SECRET = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="
NOBODY = "http://127.0.0.1:1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_service(tmp_path_factory.mktemp("s3") / "log") as service:
        yield service


@pytest.fixture(scope="module")
def strict_s3(tmp_path_factory):
    with s3_service(tmp_path_factory.mktemp("s3") / "log", checks_keys=True) as service:
        yield service


@pytest.fixture(scope="module")
def blob(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blob")
    with blob_service(folder / "log", folder) as service:
        yield service


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """What opening a store with these variables and no others says."""
    monkeypatch.setattr(bucket, "RETRY_S", 1)

    def refused(uri, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StoreError) as told:
            open_store(uri, tmp_path / "copies")
        shown = f"{told.value} {told.value.hint} {told.value.__cause__}"
        assert not [value for name, value in environ.items() if "KEY" in name if value in shown]
        return told.value

    return refused


def test_s3_without_credentials_says_so_and_names_what_was_looked_at(s3, refused):
    error = refused(s3.uri, AWS_ENDPOINT_URL=s3.environ()["AWS_ENDPOINT_URL"], AWS_METADATA_ENDPOINT=NOBODY)

    assert isinstance(error, NoCredentialsError)
    assert error.exit_code == 2
    assert "no credentials" in error.what
    assert all(name in error.hint for name in ("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "role of this machine", "~/.aws"))


def test_half_a_key_of_s3_is_no_credentials(s3, refused):
    error = refused(s3.uri, AWS_ENDPOINT_URL=s3.environ()["AWS_ENDPOINT_URL"], AWS_ACCESS_KEY_ID="half-of-a-key")

    assert isinstance(error, NoCredentialsError)


def test_key_of_blob_storage_that_is_no_key_is_refused_without_a_request(refused):
    error = refused("abfs://surveys@lab/x", AZURE_STORAGE_ACCOUNT_KEY="not base64, by far")

    assert "refused our credentials" in error.what or "no credentials" in error.what


def test_blob_storage_without_credentials_says_so_and_names_what_was_looked_at(refused):
    error = refused("abfs://surveys@lab/x", IDENTITY_ENDPOINT=f"{NOBODY}/metadata/identity/oauth2/token")

    assert isinstance(error, NoCredentialsError)
    assert all(name in error.hint for name in ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_CLIENT_ID", "managed identity"))


def test_wrong_key_of_s3_is_refused_and_that_is_said(strict_s3, refused):
    error = refused(strict_s3.uri, **strict_s3.environ() | {"AWS_SECRET_ACCESS_KEY": SECRET})

    assert not isinstance(error, StoreAwayError)
    assert error.exit_code == 6
    assert "refused our credentials" in error.what


def test_bucket_that_is_not_there_is_said(s3, refused):
    error = refused("s3://another-bucket/lab", **s3.environ())

    assert error.exit_code == 6
    assert "no such bucket" in error.what


@contextmanager
def answering(status, code):
    """A service that refuses everything so."""

    class Refusing(BaseHTTPRequestHandler):
        def answer(self):
            body = f"<Error><Code>{code}</Code><Message>words of the service</Message></Error>".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing is written."""

    for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
        setattr(Refusing, f"do_{method}", Refusing.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        pytest.param(301, "PermanentRedirect", "another region", id="a redirect without an address"),
        pytest.param(400, "AuthorizationHeaderMalformed", "another region", id="signed for another region"),
        pytest.param(403, "RequestTimeTooSkewed", "clock is wrong", id="a wrong clock is no wrong key"),
        pytest.param(403, "SignatureDoesNotMatch", "refused our credentials", id="a wrong key"),
    ],
)
def test_what_s3_refuses_for_is_told_apart(refused, status, code, said):
    with answering(status, code) as address:
        error = refused("s3://our-surveys/lab", **KEYS, AWS_ENDPOINT_URL=address)

    assert said in error.what
    assert not isinstance(error, StoreAwayError)
    assert "words of the service" not in f"{error} {error.hint}"


def test_address_where_nobody_listens_is_said(refused):
    error = refused("s3://our-surveys/lab", **KEYS, AWS_ENDPOINT_URL=NOBODY)

    assert isinstance(error, StoreAwayError)
    assert "nobody answers" in error.what
    assert "AWS_ENDPOINT_URL" in error.hint


@pytest.mark.accept
def test_wrong_key_and_missing_container_of_blob_storage_are_told_apart(blob, refused):
    missing = refused(blob.uri.replace("surveys@", "another@"), **blob.environ())
    wrong = refused(blob.uri, **blob.environ() | {"AZURE_STORAGE_ACCOUNT_KEY": SECRET})

    assert "no such container" in missing.what
    assert "refused our credentials" in wrong.what


def test_doctor_tries_the_store_and_says_by_which_variables_it_came_in(s3, monkeypatch, tmp_path, capsys):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NIGHTPOLL_STORE", s3.uri)
    monkeypatch.setenv("NIGHTPOLL_CACHE", str(tmp_path / "copies"))
    findings = json.loads(CommandLine(capsys)("doctor", "--json").out)["findings"]
    (found,) = [each for each in findings if each["about"] == "store"]

    assert found["state"] == "ok"
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in found["detail"]
    assert "test-secret" not in found["detail"]
    assert open_store(s3.uri, tmp_path / "other").names(".nightpoll") == []


def test_doctor_refuses_a_service_that_writes_over_what_is_there(s3, monkeypatch, tmp_path, capsys):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NIGHTPOLL_STORE", s3.uri)
    monkeypatch.setenv("NIGHTPOLL_CACHE", str(tmp_path / "copies"))
    put = bucket.obstore.put

    def over(*words, mode=None, **more):
        return put(*words, **more)

    monkeypatch.setattr(bucket.obstore, "put", over)
    said = CommandLine(capsys)("doctor")

    assert said.code == 6
    assert "writes over" in said.out


def test_keys_of_the_store_may_stand_in_the_file_of_variables(s3, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NIGHTPOLL_STORE", s3.uri)
    monkeypatch.setenv("NIGHTPOLL_CACHE", str(tmp_path / "copies"))
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", NOBODY)
    for name in s3.environ():
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("".join(f"{k}={v}\n" for k, v in s3.environ().items()))

    assert CommandLine(capsys)("list").code == 0
