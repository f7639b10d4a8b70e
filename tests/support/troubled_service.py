"""A service that is in trouble in every way, and says back in its error whatever it was sent: key, prompt, all.

`/KIND/v1/chat/completions` answers with the fault of that kind; everything else below `/KIND` with the same.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STATUS = {"s400": 400, "s401": 401, "s403": 403, "s404": 404, "s429": 429, "s500": 500}
KINDS = (*STATUS, "malformed", "filtered", "dropped", "talkative", "coded", "html")
"""talkative answers, with its key and the prompt in the answer; coded puts the prompt where a code belongs."""
ANSWER = "ANSWER-MARK-90817"


_THROTTLED = itertools.count()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_GET(self) -> None:
        self._answer(b"")

    do_PUT = do_POST  # noqa: N815 - names of the base class
    do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _answer(self, body: bytes) -> None:
        kind = self.path.strip("/").split("/")[0]
        if kind == "dropped":
            self.close_connection = True
            self.connection.close()
            return
        status, content = _said(kind, self.headers.get("Authorization", ""), body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)


def _said(kind: str, key: str, body: bytes) -> tuple[int, bytes]:
    prompt = _prompt(body)
    echo = f"{key.removeprefix('Bearer ')} sent: {prompt} and '{prompt[-60:]}'"
    error: dict[str, Any] = {"message": f"It went wrong for {echo}", "type": "trouble", "param": None, "code": None}
    status, raw = STATUS.get(kind, 400), f'{{"choices": "{echo}'
    if kind == "s429" and next(_THROTTLED) >= 3:
        status = 400
    elif kind == "coded":
        error |= {"code": prompt[-60:], "type": prompt[:60], "param": prompt[:40], "message": "no"}
    elif kind == "filtered":
        found = {prompt[-40:]: {"filtered": True, "severity": prompt[:40]}, "hate": {"filtered": True}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
        error |= {"code": "content_filter", "innererror": inner}
    elif kind == "talkative":
        status, raw = 200, json.dumps(_completion(f"{ANSWER}\nI was sent {key}\n1", key))
    elif kind == "html":
        status, raw = 502, f"<html><h1>Bad gateway</h1><pre>{echo}</pre></html>"
    elif kind == "malformed":
        status = 200
    is_error = kind in (*STATUS, "coded", "filtered")
    return status, (json.dumps({"error": error}) if is_error else raw).encode()


def _completion(text: str, key: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "c", "object": "chat.completion", "model": f"gpt {key}", "system_fingerprint": key,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
    }  # fmt: skip


def _prompt(body: bytes) -> str:
    try:
        sent = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")[:4000]
    messages = sent.get("messages", []) if isinstance(sent, dict) else []
    return "\n".join(str(message.get("content")) for message in reversed(messages))  # the persona first


@contextmanager
def troubled_service() -> Iterator[str]:
    """Its origin; gone at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
