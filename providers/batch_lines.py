"""The result files of a batch: each line classified by what it says, and every id sent checked off.

Pure but for reading a file in pieces. Lines end at the byte of a line feed and nowhere else: other characters that
some readers take for line ends may stand inside a JSON text. Which file a line came from does not count.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Literal

from providers.error_bodies import ServiceError, service_error, shown, shown_code, shown_of_file
from providers.errors_map import model_error, reply_in
from providers.rate_hints import NO_HINTS
from providers.replies import Reply, UnreadableAnswerError, Usage, read_completion
from schemas.errors import RateLimitedError, ServiceRefusedError, TransientModelError

MAX_LINE_BYTES = 1 << 26
"""A longer line is taken for damage and read in pieces of this size."""

EXAMPLES = 20
_BOM = b"\xef\xbb\xbf"
_NOT_EXECUTED = {"batch_expired", "batch_cancelled", "batch_canceled"}

Kind = Literal["ok", "refused", "filtered", "truncated", "failed", "malformed"]


@dataclass(frozen=True, slots=True)
class LineFailure:
    """Why a request of a batch has no answer.

    Attributes:
        code: stable reason.
        message: one line without prompt or answer.
        http_status: of the line's response; None if it had none.
        usage: what was billed all the same; None: nothing, as far as is known.
        may_retry: asking again may help.
        uses_attempt: the request itself was tried; False where the service never got to it (expiry, capacity).
        stops_model: no request to this deployment will succeed (key, credit, model gone).
    """

    code: str
    message: str
    http_status: int | None = None
    usage: Usage | None = None
    may_retry: bool = True
    uses_attempt: bool = True
    stops_model: bool = False


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One line of a result file.

    Attributes:
        kind: outcome of the request; failed; malformed: no JSON object with a custom_id (torn, damaged).
        custom_id: "" if malformed.
        reply: for ok, refused, filtered and truncated; its latency is 0, there being none.
        failure: for failed and malformed.
    """

    kind: Kind
    custom_id: str = ""
    reply: Reply | None = None
    failure: LineFailure | None = None


def read_lines(path: Path) -> Iterator[BatchLine]:
    """The lines of a result file as they come; blank ones are passed over. Holds one line at a time.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for raw in _raw_lines(file):
            yield read_line(raw)


def sent_ids(path: Path) -> Iterator[str]:
    """custom_ids of an input file that we wrote, in order."""
    with path.open("rb") as file:
        for raw in _raw_lines(file):
            yield json.loads(raw)["custom_id"]


def read_line(raw: bytes) -> BatchLine:
    """One line by its content."""
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        line = None
    custom_id = line.get("custom_id") if isinstance(line, dict) else None
    if not isinstance(line, dict) or not isinstance(custom_id, str) or not custom_id:
        failure = LineFailure("malformed_line", "A line of the result file cannot be read.")
        return BatchLine("malformed", failure=failure)
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and (response.get("status_code") is not None or not isinstance(error, dict)):
        return _of_response(custom_id, response, error)
    return BatchLine("failed", custom_id, failure=_without_response(error))


class Check(StrEnum):
    """What a line means for the id it names."""

    FIRST = "first"  # the first line of this id
    BETTER = "better"  # an answer, after a failure: take this one instead
    REPEATED = "repeated"  # nothing new
    UNEXPECTED = "unexpected"  # an id that was not sent
    MALFORMED = "malformed"  # no id


@dataclass
class Account:
    """Every id of a batch checked off; grows with the ids sent, not with the lines.

    Attributes:
        sent: custom_ids of the input file.
        outcomes: id -> kind of the line that counts.
        failures: id -> why, for kind failed; an answer takes the id out again.
        kinds: how many ids by kind.
        n_lines: lines read.
        n_repeated, n_unexpected, n_malformed: lines of those checks.
        unexpected: the first 20 such ids.
    """

    sent: frozenset[str]
    outcomes: dict[str, Kind] = field(default_factory=dict)
    failures: dict[str, LineFailure] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    n_lines: int = 0
    n_repeated: int = 0
    n_unexpected: int = 0
    n_malformed: int = 0
    unexpected: list[str] = field(default_factory=list)

    def take(self, line: BatchLine) -> Check:
        """Check one line off."""
        self.n_lines += 1
        if line.kind == "malformed":
            self.n_malformed += 1
            return Check.MALFORMED
        if line.custom_id not in self.sent:
            self._strange(line.custom_id)
            return Check.UNEXPECTED
        before = self.outcomes.get(line.custom_id)
        if before is not None:
            self.n_repeated += 1
            if before != "failed" or line.kind == "failed":
                return Check.REPEATED
            self.kinds[before] -= 1
            self.failures.pop(line.custom_id, None)
        self.outcomes[line.custom_id] = line.kind
        self.kinds[line.kind] += 1
        if line.failure is not None:
            self.failures[line.custom_id] = line.failure
        return Check.FIRST if before is None else Check.BETTER

    def missing(self) -> Iterator[str]:
        """Ids of which no line told anything, sorted."""
        return (each for each in sorted(self.sent) if each not in self.outcomes)

    @property
    def n_missing(self) -> int:
        """How many those are."""
        return len(self.sent) - len(self.outcomes)

    def _strange(self, custom_id: str) -> None:
        self.n_unexpected += 1
        if len(self.unexpected) < EXAMPLES:
            self.unexpected.append(shown(custom_id)[:100])


def account(sent: Iterable[str], lines: Iterable[BatchLine]) -> Account:
    """Check all lines off; for output and error file chain their lines, in either order."""
    found = Account(frozenset(sent))
    for line in lines:
        found.take(line)
    return found


def settled(found: Account, lines: Iterable[BatchLine]) -> Iterator[BatchLine]:
    """The line that counts for each id, once: answers as they come, failures at the end, when no answer can follow.

    Holds no answer, so that a file of any size can be landed in pieces. What is missing is in `found` afterwards.

    Args:
        found: an account to check the lines off in.
        lines: of output and error file, in either order.
    """
    for line in lines:
        if found.take(line) in (Check.FIRST, Check.BETTER) and line.reply is not None:
            yield line
    for custom_id, failure in found.failures.items():
        yield BatchLine("failed", custom_id, failure=failure)


def _raw_lines(file: IO[bytes]) -> Iterator[bytes]:
    first = True
    while raw := file.readline(MAX_LINE_BYTES):
        if first and raw.startswith(_BOM):
            raw = raw[len(_BOM) :]
        first = False
        if not raw.isspace() and raw:
            yield raw


def _of_response(custom_id: str, response: dict[str, Any], error: object) -> BatchLine:
    status, body = response.get("status_code"), response.get("body")
    if isinstance(status, int) and 200 <= status < 300 and isinstance(body, dict):
        try:
            reply = read_completion(body, latency_s=0.0, limits=NO_HINTS)
        except UnreadableAnswerError as unreadable:
            failure = LineFailure(unreadable.code, unreadable.what, http_status=200, usage=unreadable.usage)
            return BatchLine("failed", custom_id, failure=failure)
        return BatchLine(reply.outcome, custom_id, reply=reply)
    if not isinstance(status, int) or status < 400:
        return BatchLine("failed", custom_id, failure=_without_status(status, error, body))
    said = service_error(status, body)
    if not (said.code or said.message) and isinstance(error, dict):
        said = service_error(status, {"error": error})
    answered = reply_in(said, latency_s=0.0, limits=NO_HINTS)
    if answered is not None:
        return BatchLine(answered.outcome, custom_id, reply=answered)
    return BatchLine("failed", custom_id, failure=_of_error(said))


def _of_error(said: ServiceError) -> LineFailure:
    error = model_error(said)
    is_transient = isinstance(error, TransientModelError)
    return LineFailure(
        error.code,
        error.what,
        http_status=said.status,
        may_retry=is_transient or isinstance(error, ServiceRefusedError),
        uses_attempt=not isinstance(error, RateLimitedError | ServiceRefusedError),
        stops_model=isinstance(error, ServiceRefusedError),
    )


def _without_status(status: object, error: object, body: object) -> LineFailure:
    """status_code 0 and the like: the service never sent the request, or lost what came back."""
    told = _told(error) or _told(body.get("error") if isinstance(body, dict) else None)
    return LineFailure(
        "no_status" if status == 0 else "malformed_response",
        told or "The line tells no status.",
        http_status=status if isinstance(status, int) else None,
    )


def _without_response(error: object) -> LineFailure:
    code = error.get("code") if isinstance(error, dict) else None
    code = shown_code(code) if isinstance(code, str) else ""
    code = code if code else "no_response"
    executed = code not in _NOT_EXECUTED
    return LineFailure(code, _told(error) or "The line tells neither response nor error.", uses_attempt=executed)


def _told(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else None
    return shown_of_file(message) if isinstance(message, str) else ""
