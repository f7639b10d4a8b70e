"""From the result files of a batch to its part: every id sent is checked off, memory holds no answer for long.

Three files come of it, in this order: answers whose requests have another turn (if there are any; these stay in
memory), the list of what is to be asked next or again, then the part. All follow from the result files
and from those of earlier turns, so that a harvest may be done again at any time; the part that was there first counts.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from providers.batch_lines import Account, BatchLine, LineFailure, read_lines, sent_ids, settled
from providers.prices import cost_usd
from providers.replies import Reply, Usage
from schemas import run_paths
from schemas.batches import MISSING, BatchLedger, Tally
from schemas.models import Model, Price
from storage.parts import write_part_in_pieces
from storage.store import Store
from storage.trouble import store_error
from workers.batch.asks import again_file, write_asks
from workers.batch.counts import BatchCounts
from workers.batch.turns import Records, turns_file, write_turns
from workers.calls.requests import PlannedRequest
from workers.calls.turns import joined, known_turns, next_call
from workers.shards.landing import Answer, part_table

MAX_TRIES = 3
"""Batches a request is tried in; expiry, cancelling and a full queue are no try."""
PIECE_ROWS = 4096


@dataclass
class Harvest:
    """What the files of one batch are read into.

    Attributes:
        ledger: of the batch, whose end was seen.
        files: result files on our disk, as many as there are.
        tried: request id -> batches it was tried in before; absent: none.
        at: moment of the harvest, ISO with offset: `created_at` of its rows.
        whole: why no line can be expected at all (validation failed, queue too small); None otherwise.
        requests: those of the batch that have several turns.
        known: answers of their earlier turns.
        goes_on: answers of this batch whose requests have another turn to come.
        turns_usd: what those cost, less what rows of this batch hold of earlier turns.
    """

    ledger: BatchLedger
    model: Model
    price: Price | None
    files: Sequence[Path]
    tried: Mapping[str, int]
    at: str
    whole: LineFailure | None = None
    requests: Mapping[str, PlannedRequest] = field(default_factory=dict)
    known: Records = field(default_factory=dict)
    goes_on: dict[str, dict[str, Any]] = field(default_factory=dict)
    turns_usd: float = 0.0
    cost_usd: float = 0.0
    again: dict[str, int] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    n_not_executed: int = 0
    stop_message: str | None = None
    counts: BatchCounts = field(default_factory=BatchCounts)
    is_first: bool = False

    def land(self, store: Store, input_path: Path) -> Tally:
        """Write list and part; returns the account. `is_first` tells whether the part is this harvest's.

        Raises:
            StoreError: a file cannot be read or written.
        """
        try:
            found = Account(frozenset(sent_ids(input_path)))
            run_id, number = self.ledger.run_id, self.ledger.number
            pieces = self._pieces(found)
            unit = run_paths.batch_unit(number)
            if store.exists(run_paths.part(run_id, unit)):
                for _ in self._with_list_first(store, pieces):  # landed before a crash: the account is made again
                    pass
            else:
                self.is_first = write_part_in_pieces(store, run_id, unit, self._with_list_first(store, pieces))
        except OSError as e:
            raise store_error(e, input_path, "read") from e
        return self._tally(found)

    def _with_list_first(self, store: Store, pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The part is adopted after its last piece: by then turns and list are on the disk."""
        yield from pieces
        if self.goes_on:
            write_turns(store, run_paths.batch_file(self.ledger.run_id, turns_file(self.ledger.number)), self.goes_on)
        write_asks(store, self.ledger.run_id, again_file(self.ledger.number), self.again)

    def _pieces(self, found: Account) -> Iterator[pa.Table]:
        ids: list[str] = []
        answers: dict[str, Answer] = {}
        for custom_id, answer in self._answers(found):
            ids.append(custom_id)
            answers[custom_id] = answer
            if len(ids) >= PIECE_ROWS:
                yield part_table(ids, answers, transport="batch")
                ids, answers = [], {}
        yield part_table(ids, answers, transport="batch")

    def _answers(self, found: Account) -> Iterator[tuple[str, Answer]]:
        lines = chain.from_iterable(read_lines(path) for path in self.files)
        for line in settled(found, lines):
            request_id = _request(line.custom_id)
            answer = self._of_turn(request_id, line.custom_id, self._of_line(request_id, line))
            if answer is not None:
                yield request_id, answer
        for custom_id in found.missing():
            request_id = _request(custom_id)
            answer = self._of_turn(request_id, custom_id, self._of_failure(request_id, self._why_missing()))
            if answer is not None:
                yield request_id, answer

    def _of_turn(self, request_id: str, call: str, answer: Answer | None) -> Answer | None:
        """The row of a request: none while it goes on, its turns joined at its end.

        A turn that failed and is asked again gets a row of its own, so that each call's cost stands in one row.
        """
        if answer is not None:
            self.counts.add_call(answer)
        ended = self._ended(request_id, call, answer)
        if ended is not None and request_id not in self.again:
            self.counts.requests[ended.outcome] += 1
        return ended

    def _ended(self, request_id: str, call: str, answer: Answer | None) -> Answer | None:
        request = self.requests.get(request_id)
        if request is None or answer is None or request_id in self.again:
            return answer
        earlier = known_turns(request, self.known)[: int(call.rpartition(".")[2])]
        if next_call(request, [*earlier, answer]) is not None:
            self.goes_on[call] = answer.record()
            self.turns_usd += answer.cost_usd
            self.again[request_id] = 0
            return None
        self.turns_usd -= sum(each.cost_usd for each in earlier)
        return joined(request, [*earlier, answer])

    def _of_line(self, request_id: str, line: BatchLine) -> Answer | None:
        if line.reply is not None:
            return self._of_reply(request_id, line.reply)
        assert line.failure is not None, "a line without reply says why"
        return self._of_failure(request_id, line.failure)

    def _of_reply(self, request_id: str, reply: Reply) -> Answer:
        usage = reply.usage
        return Answer(
            outcome=reply.outcome,
            turns=() if reply.text is None else (reply.text,),
            cost_usd=self._paid(usage),
            attempts=1,
            created_at=self.at,
            model=self.model.model,
            deployment=self.ledger.deployment,
            prompt_tokens=None if usage is None else usage.prompt_tokens,
            cached_tokens=None if usage is None else usage.cached_tokens,
            completion_tokens=None if usage is None else usage.completion_tokens,
            reasoning_tokens=None if usage is None else usage.reasoning_tokens,
            served_model=reply.served_model,
            system_fingerprint=reply.system_fingerprint,
            logprobs=None if reply.logprobs is None else json.dumps(reply.logprobs),
            finish_reason=reply.finish_reason,
            error_code=reply.error_code,
            error_message=reply.error_message,
        )

    def _of_failure(self, request_id: str, why: LineFailure) -> Answer | None:
        """A row for what was tried; None for what the service never came to."""
        self.reasons[why.code] += 1
        tried = self.tried.get(request_id, 0) + why.uses_attempt
        if why.may_retry and tried < MAX_TRIES:
            self.again[request_id] = tried
        if why.stops_model:
            self.stop_message = why.message.partition(":")[0]  # behind it the service speaks, perhaps of a prompt
        if not why.uses_attempt:
            self.n_not_executed += 1
            return None
        return Answer(
            outcome="failed",
            turns=(),
            cost_usd=self._paid(why.usage),
            attempts=1,
            created_at=self.at,
            model=self.model.model,
            deployment=self.ledger.deployment,
            maybe_paid=1 if why.code == MISSING else 0,
            error_code=why.code,
            error_message=why.message,
        )

    def _why_missing(self) -> LineFailure:
        if self.whole is not None:
            return self.whole
        status = "" if self.ledger.seen is None else self.ledger.seen.status
        if status in {"expired", "cancelled"}:
            return LineFailure(f"batch_{status}", f"The batch was {status} first.", uses_attempt=False)
        return LineFailure(MISSING, "The batch is over and no line of its files tells of this request.")

    def _paid(self, usage: Usage | None) -> float:
        paid = 0.0 if usage is None or self.price is None else cost_usd(usage, self.price, batch=True)
        self.cost_usd += paid
        return paid

    def _tally(self, found: Account) -> Tally:
        return Tally(
            kinds={kind: n for kind, n in found.kinds.items() if n},
            n_sent=len(found.sent),
            n_lines=found.n_lines,
            n_missing=found.n_missing,
            n_unexpected=found.n_unexpected,
            n_repeated=found.n_repeated,
            n_malformed=found.n_malformed,
            n_not_executed=self.n_not_executed,
            n_again=len(self.again),
            reasons=dict(self.reasons),
            stop_message=self.stop_message,
        )


def _request(custom_id: str) -> str:
    """The request of a call id."""
    return custom_id.rpartition(".")[0]
