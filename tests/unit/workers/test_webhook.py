"""The morning's webhook against a real receiver: what it hears, what it never hears, and what happens without it."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from schemas.errors import SettingsError
from schemas.overnight import Night, OvernightQueue, QueueEntry
from schemas.settings import Settings
from storage.store import Store
from workers.nights.entries import change_queue, read_queue
from workers.nights.morning import make_summary
from workers.nights.webhook import TRIES, post

NIGHT, MORNING = datetime(2026, 11, 22, 23, tzinfo=UTC), datetime(2026, 11, 23, 7, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """Answers with the statuses given, one after the other, then 200; keeps what it was told."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses, self.heard = list(statuses), []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?token=SECRET-TOKEN"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    server = Receiver(*getattr(request, "param", ()))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def queue_after_a_night(store: Store) -> None:
    night = Night(night=date(2026, 11, 22), run_id="run1", began_at=NIGHT, ended_at=MORNING, ended="stopped", late=True)
    entry = QueueEntry(
        id="q1", study="/private/study.yaml", name="moods", run_id="run1", added_at=NIGHT, state="stopped",
        reason="The service said MARKED.", exit_code=5, nights=[night],
    )  # fmt: skip
    change_queue(store, lambda _: OvernightQueue(entries=[entry]))


def test_receiver_hears_json_once(receiver):
    assert post(receiver.url, b'{"night": "2026-11-22"}')

    assert receiver.heard == [("/hook?token=SECRET-TOKEN", "application/json", b'{"night": "2026-11-22"}')]


@pytest.mark.parametrize("receiver", [(500, 503)], indirect=True)
def test_receiver_in_trouble_is_told_again(receiver):
    assert post(receiver.url, b"{}")

    assert len(receiver.heard) == 3


@pytest.mark.parametrize("receiver", [(307,) * TRIES], indirect=True)
def test_redirect_is_not_followed(receiver):
    assert not post(receiver.url, b"{}")

    assert {path for path, _, _ in receiver.heard} == {"/hook?token=SECRET-TOKEN"}


def test_nobody_there_is_logged_without_the_address(receiver, caplog):
    receiver.shutdown()
    receiver.server_close()

    assert not post(receiver.url, b"{}")

    assert [record.message for record in caplog.records] == ["webhook not delivered"] * TRIES
    assert "SECRET-TOKEN" not in caplog.text


@pytest.mark.parametrize("url", ["http://example.org/SECRET-TOKEN", "file:///SECRET-TOKEN", "SECRET-TOKEN", "https://"])
def test_address_that_is_neither_https_nor_here_is_refused_unshown(url):
    with pytest.raises(SettingsError) as refused:
        post(url, b"{}")

    assert "SECRET-TOKEN" not in str(refused.value)


def test_morning_is_told_without_what_the_service_said_or_where_files_lie(receiver, tmp_path):
    store = Store(tmp_path)
    queue_after_a_night(store)

    document = make_summary(
        store, Settings(store=str(tmp_path), webhook_url=SecretStr(receiver.url)), date(2026, 11, 22), MORNING
    )

    ((_, _, body),) = receiver.heard
    told = json.loads(body)
    assert told["states"] == {"stopped": 1}
    assert told["entries"][0]["study"] == "moods"
    assert told["late"] == 1
    assert document["entries"][0]["reason"] == "The service said MARKED."
    assert b"MARKED" not in body
    assert b"/private" not in body
    assert read_queue(store).told == {"2026-11-22": ["q1"]}


@pytest.mark.parametrize("receiver", [(500,) * TRIES], indirect=True)
def test_morning_counts_as_told_when_the_receiver_stays_in_trouble(receiver, tmp_path):
    store = Store(tmp_path)
    queue_after_a_night(store)

    make_summary(store, Settings(store=str(tmp_path), webhook_url=SecretStr(receiver.url)), date(2026, 11, 22), MORNING)

    assert len(receiver.heard) == TRIES
    assert read_queue(store).told == {"2026-11-22": ["q1"]}
