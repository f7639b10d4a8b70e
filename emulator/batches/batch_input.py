"""The input file of a batch, read and checked the way the services do after create.

Source of the codes: Microsoft Learn, "Getting started with Azure OpenAI batch deployments", error codes (read
2026-11-22). Not confirmed by a source: the texts, and that a BOM is reported for line 1.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from emulator.answering import tokens
from emulator.files.spool import Segment
from emulator.service import Form

URLS = ("/v1/chat/completions", "/v1/completions", "/chat/completions", "/completions")
V1_URLS = URLS[:2]
MAX_ERRORS = 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class InputError:
    """Why a batch fails; line counts from 1, None: the whole file."""

    code: str
    message: str
    line: int | None
    param: str | None = None


@dataclass(frozen=True)
class Examined:
    """What an input file holds.

    Attributes:
        lines: where each request lies.
        model: name on the wire, "" if no line could be read.
        prompt_tokens: estimate over all lines, what counts against the queued-token limit.
        ids_sha256: of the sorted custom_ids; equal for two batches that ask the same.
        errors: the first of them.
    """

    lines: tuple[Segment, ...]
    model: str
    prompt_tokens: int
    ids_sha256: str
    errors: tuple[InputError, ...]


@dataclass(frozen=True)
class InputRules:
    """What a profile demands of an input file.

    Attributes:
        urls: accepted on a line.
        served: accepted names of models or deployments.
    """

    urls: Collection[str]
    served: Collection[str]
    max_lines: int
    max_bytes: int
    is_azure: bool


class _Reading:
    def __init__(self, rules: InputRules) -> None:
        self.rules = rules
        self.places: list[Segment] = []
        self.errors: list[InputError] = []
        self.seen: set[str] = set()
        self.model = ""
        self.prompt_tokens = 0

    def wrong(self, code: str, message: str, line: int | None, param: str | None = None) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(InputError(code, message, line, param))


def form_of(url: str) -> Form:
    """What is called at an address."""
    return "chat" if url.endswith("/chat/completions") else "completion"


def examine(lines: Iterable[tuple[Segment, bytes]], n_bytes: int, rules: InputRules) -> Examined:
    """Read and check an input file; blank lines are passed over."""
    reading = _Reading(rules)
    for number, (place, raw) in enumerate(lines, start=1):
        if number == 1 and raw.startswith(_BOM):
            _refuse_bom(reading)
            break
        if raw.strip():
            reading.places.append(place)
            _read_line(reading, number, raw)
    if not reading.places and not reading.errors:
        reading.wrong("empty_file", "The input file is empty.", None)
    if len(reading.places) > rules.max_lines:
        text = f"The input file holds {len(reading.places)} requests; at most {rules.max_lines} are allowed."
        reading.wrong("too_many_tasks", text, None)
    if n_bytes > rules.max_bytes:
        text = f"The input file has {n_bytes} bytes; at most {rules.max_bytes} are allowed."
        reading.wrong("invalid_request", text, None)
    digest = hashlib.sha256("\n".join(sorted(reading.seen)).encode()).hexdigest()
    return Examined(tuple(reading.places), reading.model, reading.prompt_tokens, digest, tuple(reading.errors))


def _refuse_bom(reading: _Reading) -> None:
    if reading.rules.is_azure:
        text = "A valid model deployment name couldn't be extracted from the input file."
        reading.wrong("model_not_found", text, 1, "body.model")
    else:
        reading.wrong("invalid_json_line", "This line is not parseable as valid JSON.", 1)


def _read_line(reading: _Reading, number: int, raw: bytes) -> None:
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        reading.wrong("invalid_json_line", "This line is not parseable as valid JSON.", number)
        return
    _check_id(reading, number, line.get("custom_id"))
    if line.get("method") != "POST":
        reading.wrong("invalid_request", "The method must be POST.", number, "method")
    if line.get("url") not in reading.rules.urls:
        reading.wrong("url_mismatch", "The URL provided for this line does not match the batch.", number, "url")
    body = line.get("body")
    if not isinstance(body, dict):
        reading.wrong("invalid_request", "Missing required parameter: 'body'.", number, "body")
        return
    _check_model(reading, number, body.get("model"))
    reading.prompt_tokens += _prompt_tokens(body)


def _check_id(reading: _Reading, number: int, custom_id: object) -> None:
    if not isinstance(custom_id, str) or not custom_id:
        reading.wrong("invalid_request", "Missing required parameter: 'custom_id'.", number, "custom_id")
    elif custom_id in reading.seen:
        text = f"The custom_id {custom_id} is used by an earlier line of this file."
        reading.wrong("duplicate_custom_id", text, number, "custom_id")
    else:
        reading.seen.add(custom_id)


def _check_model(reading: _Reading, number: int, model: object) -> None:
    if not isinstance(model, str) or model not in reading.rules.served:
        reading.wrong("model_not_found", "The provided model does not exist.", number, "body.model")
    elif reading.model and model != reading.model:
        reading.wrong("model_mismatch", "All requests of a batch must name the same model.", number, "body.model")
    else:
        reading.model = model


def _prompt_tokens(body: dict[str, Any]) -> int:
    messages = body.get("messages")
    if isinstance(body.get("prompt"), str):
        return tokens.quota_estimate([body["prompt"]])
    if not isinstance(messages, list):
        return 0
    return tokens.quota_estimate(tokens.message_text(each) for each in messages if isinstance(each, dict))
