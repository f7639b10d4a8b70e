"""Files and batches of a service that answers no line and says each one back as its error."""

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Desk:
    def __init__(self, *, refuses: bool) -> None:
        self.refuses = refuses
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count(1)


class _Handler(BaseHTTPRequestHandler):
    desk: _Desk

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        number = next(self.desk.numbers)
        if self.path.endswith("/files"):
            self.desk.files[f"file-{number}"] = b"\n".join(re.findall(rb"^\{.*\}\r?$", body, re.MULTILINE))
            self._say(self._file(f"file-{number}"))
        elif self.path.endswith("/batches"):
            asked = json.loads(body)
            self.desk.batches[f"batch-{number}"] = self._worked_off(f"batch-{number}", asked)
            self._say(self.desk.batches[f"batch-{number}"])
        else:
            self._say({})

    def do_GET(self) -> None:
        *_, kind, name = self.path.split("?")[0].rstrip("/").split("/")
        if name == "content":
            self._say(self.desk.files[kind])
        elif name in self.desk.batches:
            self._say(self.desk.batches[name])
        elif name in self.desk.files:
            self._say(self._file(name))
        else:
            listed = list(self.desk.batches.values()) if name == "batches" else list(map(self._file, self.desk.files))
            self._say({"object": "list", "data": listed, "has_more": False})

    def do_DELETE(self) -> None:
        self._say({"deleted": True})

    def _file(self, name: str) -> dict[str, Any]:
        known = {"object": "file", "purpose": "batch", "filename": "input.jsonl", "created_at": int(time.time())}
        return {"id": name, "status": "processed", "bytes": len(self.desk.files[name])} | known

    def _worked_off(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        lines = [json.loads(line) for line in self.desk.files[asked["input_file_id"]].splitlines() if line.strip()]
        key, errors = self.headers.get("Authorization", ""), []
        for n, line in enumerate(lines):
            said = "\n".join(message["content"] for message in line["body"]["messages"])
            mark = "'" * (n % 2)  # in quotation marks and without
            message = f"key {key.split()[-1]}: {mark}{said}{mark} was blocked"
            error = {"message": message, "code": said[:50], "type": said[:30]}
            response = {"status_code": (400, 500, 429)[n % 3], "body": {"error": error}}
            errors.append({"id": f"l{n}", "custom_id": line["custom_id"], "response": response, "error": None})
        if self.desk.refuses:
            texts = ["\n".join(message["content"] for message in line["body"]["messages"]) for line in lines]
            return self._refused(name, asked, [f"{key} {text}" for text in texts])
        self.desk.files[f"{name}-err"] = "\n".join(map(json.dumps, errors)).encode()
        counts = {"total": len(lines), "completed": 0, "failed": len(lines)}
        return {
            "id": name, "object": "batch", "status": "completed", "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"], "output_file_id": None, "error_file_id": f"{name}-err",
            "created_at": int(time.time()), "completed_at": int(time.time()), "metadata": asked["metadata"],
            "request_counts": counts, "errors": {"data": [{"code": "x", "message": f"{key} {said}", "line": 1}]},
        }  # fmt: skip

    def _refused(self, name: str, asked: dict[str, Any], said: list[str]) -> dict[str, Any]:
        errors = [{"code": "invalid_request", "message": each, "line": n} for n, each in enumerate(said, 1)]
        return {
            "id": name, "object": "batch", "status": "failed", "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"], "output_file_id": None, "error_file_id": None,
            "created_at": int(time.time()), "failed_at": int(time.time()), "metadata": asked["metadata"],
            "request_counts": {"total": len(said), "completed": 0, "failed": 0},
            "errors": {"data": errors},
        }  # fmt: skip

    def _say(self, content: object) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def echoing_batches(*, refuses: bool = False) -> Iterator[str]:
    """Its base URL; gone at the end.

    Args:
        refuses: batches fail as a whole, each line with what it said.
    """
    handler = type("Handler", (_Handler,), {"desk": _Desk(refuses=refuses)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
