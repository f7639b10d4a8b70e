"""One line of a batch, worked off: what is bought, and what the result files will say about it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from emulator.answering import answers
from emulator.answering.answers import Answer
from emulator.answering.seeds import draws
from emulator.batches.batch_faults import BatchFaults
from emulator.batches.batch_input import form_of
from emulator.faults import Fault
from emulator.purchases import Purchase
from emulator.quota import Refused
from emulator.service import RATE_LIMITED_WAIT_S, Service
from emulator.wire import refusals
from emulator.wire.completion_bodies import answer_body
from emulator.wire.parameters import Order
from emulator.wire.refusals import Refusal
from emulator.wire.targets import Target

_HARMLESS = {Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.SLOW, Fault.MALFORMED_JSON, Fault.KEY_REVOKED}
"""Faults of connections and keys; a line has neither."""

_STRANGE = {"x_unknown": {"nested": [1, None, "…\u2028…"]}, "x_other": ""}


@dataclass(frozen=True)
class WorkedLine:
    """What becomes of one request.

    Attributes:
        copies: how often its line is written; 0: lost.
        text: the line without its line feed.
        is_error: belongs into the error file; `misfiled` says that it goes into the other one.
        blank_after: an empty line follows.
        answer: what was bought; None: nothing.
        shuffle_key: lines are sorted by it at the end.
    """

    copies: int
    text: bytes
    is_error: bool
    misfiled: bool
    blank_after: bool
    answer: Answer | None
    shuffle_key: float


class Bench:
    """Works lines off; knows how often each custom_id came by and was struck."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._attempts: Counter[str] = Counter()
        self.strikes: Counter[str] = Counter()

    def forget_strikes(self) -> None:
        """The faults were replaced."""
        self.strikes.clear()

    def work(self, raw: bytes, *, faults: BatchFaults, batch_id: str, accepted_at: float, created: int) -> WorkedLine:
        """Work one line off and book what it cost.

        Args:
            raw: a line of a valid input file.
            faults: of its batch.
            batch_id: for the books.
            accepted_at: seconds since 1970 by the wall clock, for the books.
            created: time stamp of the answer.
        """
        line = json.loads(raw)
        custom_id = line["custom_id"]
        self._attempts[custom_id] += 1
        strike = _Strike(self, faults, self._service.config.seed, custom_id, self._attempts[custom_id])
        target = self._service.targets[line["body"]["model"]]
        number = _number(batch_id, custom_id)
        response, error, answer = self._respond(target, line, strike, created, number)
        lost = strike.hits("lost_lines")
        written = WorkedLine(
            copies=0 if lost else 2 if strike.hits("repeated_lines") else 1,
            text=self._line(custom_id, number, response, error, faults),
            is_error=response is None or response["status_code"] != 200,
            misfiled=strike.hits("misfiled_lines"),
            blank_after=strike.hits("blank_lines"),
            answer=answer,
            shuffle_key=draws("shuffle", batch_id, custom_id).first,
        )
        if answer is not None:
            self._book(target, custom_id, batch_id, answer, accepted_at, delivered=not lost, fault=strike.names)
        return written

    def undone(self, raw: bytes, batch_id: str) -> tuple[float, bytes]:
        """Shuffle key and line of a request that was not executed before the batch expired."""
        custom_id = json.loads(raw)["custom_id"]
        text = "This request could not be executed before the completion window expired."
        error = {"code": "batch_expired", "message": text}
        line = self._line(custom_id, _number(batch_id, custom_id), None, error, BatchFaults())
        return draws("shuffle", batch_id, custom_id).first, line

    def _respond(
        self, target: Target, line: Mapping[str, Any], strike: "_Strike", created: int, number: str
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None, Answer | None]:
        """Response, error and purchase of a request; response and error exclude each other."""
        custom_id = line["custom_id"]
        if strike.faults.all_failed:
            refusal = refusals.server_error(self._service.config, 500)
            return {"status_code": 500, "body": {"error": refusal.error}}, None, None
        if strike.hits("response_null"):
            return None, {"code": "server_error", "message": "The request could not be processed."}, None
        if strike.hits("status_zero"):
            return {"status_code": 0, "body": None}, None, None
        try:
            order = self._service.order(target, line["body"], form_of(line["url"]))
            answer = self._answer(target, order, custom_id, strike)
        except Refusal as refusal:
            return {"status_code": refusal.status, "body": {"error": refusal.error}}, None, None
        said = answer_body(
            order,
            answer,
            number=number,
            created=created,
            snapshot=target.facts.snapshot,
            seed=self._service.config.seed,
            azure=self._service.config.is_azure,
        )
        return {"status_code": 200, "body": said}, None, answer

    def _answer(self, target: Target, order: Order, custom_id: str, strike: "_Strike") -> Answer:
        config = self._service.config
        asked = answers.read_prompt(order)
        fault = strike.call_fault(asked.texts)
        if fault is Fault.DEPLOYMENT_GONE:
            raise refusals.unknown_model(config, target.name)
        if fault is Fault.INSUFFICIENT_QUOTA:
            raise refusals.insufficient_quota()
        if fault is Fault.RATE_LIMITED:
            refused = Refused("requests", RATE_LIMITED_WAIT_S, 0, 0, 1)
            raise refusals.rate_limited(config, target.name, target.served.model, refused)
        if fault is Fault.ERROR_500 or fault is Fault.ERROR_503:
            raise refusals.server_error(config, 500 if fault is Fault.ERROR_500 else 503)
        if fault is Fault.FILTER_PROMPT and config.is_azure:
            raise refusals.prompt_filtered()
        return self._service.work(target, order, asked, custom_id, fault)

    def _line(
        self,
        custom_id: str,
        number: str,
        response: dict[str, Any] | None,
        error: dict[str, Any] | None,
        faults: BatchFaults,
    ) -> bytes:
        line: dict[str, Any] = {"custom_id": custom_id}
        if self._service.config.is_azure:
            if response is not None:
                response = {"body": response["body"], "request_id": number, "status_code": response["status_code"]}
            line |= {"response": response, "error": error}
        else:
            if response is not None:
                response = {"status_code": response["status_code"], "request_id": number, "body": response["body"]}
            line = {"id": f"batch_req_{number}", **line, "response": response, "error": error}
        if faults.unknown_fields:
            line |= _STRANGE
        return json.dumps(line, ensure_ascii=False).encode()

    def _book(
        self,
        target: Target,
        custom_id: str,
        batch_id: str,
        answer: Answer,
        accepted_at: float,
        *,
        delivered: bool,
        fault: str,
    ) -> None:
        usage = answer.usage
        full = target.facts.cost_usd(
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
        )
        purchase = Purchase(
            call_id=custom_id,
            model=target.served.model,
            deployment=target.name,
            usage=usage,
            cost_usd=full * self._service.config.batch.price_factor,
            accepted_at=accepted_at,
            answered_at=self._service.wall(),
            delivered=delivered,
            status=200,
            fault=fault,
            batch_id=batch_id,
        )
        self._service.books.bought(purchase)


def _number(batch_id: str, custom_id: str) -> str:
    return blake2b(f"{batch_id}/{custom_id}".encode(), digest_size=12).hexdigest()


class _Strike:
    """Which faults hit one line in one batch."""

    def __init__(self, bench: Bench, faults: BatchFaults, seed: int, custom_id: str, attempt: int) -> None:
        self.faults = faults
        self._bench = bench
        self._seed = seed
        self._id = custom_id
        self._attempt = attempt
        self._names: list[str] = []

    @property
    def names(self) -> str:
        """What hit, separated by commas."""
        return ",".join(self._names)

    def hits(self, name: str) -> bool:
        """Whether a share of lines includes this one."""
        share: float = getattr(self.faults, name)
        return share > 0 and draws(name, self._seed, self._id, self._attempt).first < share and self._may(name)

    def call_fault(self, texts: tuple[str, ...]) -> Fault | None:
        """The fault of a single call that hits the line."""
        faults = self.faults.answers
        fault = faults.pick(draws("line", self._seed, self._id, self._attempt).first)
        if fault is None or fault in _HARMLESS:
            return None
        if faults.only_containing is not None and not any(faults.only_containing in text for text in texts):
            return None
        return fault if self._may(fault.value) else None

    def _may(self, name: str) -> bool:
        struck = self._bench.strikes
        if self.faults.per_id is not None and struck[self._id] >= self.faults.per_id:
            return False
        struck[self._id] += 1
        self._names.append(name)
        return True
