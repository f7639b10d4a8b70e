"""The service behind the addresses: from headers and body to an answer, a refusal or a cut connection.

No HTTP and no waiting here; `app` does both.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.answering import answers, tokens
from emulator.answering.answers import Answer
from emulator.answering.prompt import Asked
from emulator.answering.prompt_cache import PromptCache
from emulator.answering.seeds import draws
from emulator.arrivals import Arrivals
from emulator.config import EmulatorConfig
from emulator.faults import Fault, Faults
from emulator.purchases import Purchase, PurchaseLog
from emulator.quota import Booking, Refused
from emulator.wire import headers, refusals
from emulator.wire.access import Access
from emulator.wire.completion_order import read_prompt_order
from emulator.wire.parameters import Order, read_order
from emulator.wire.targets import Target, targets_of

Clock = Callable[[], float]
Form = Literal["chat", "completion"]
RATE_LIMITED_WAIT_S = 1.0
"""Hint of a 429 that a fault made up."""


class CutConnectionError(Exception):
    """The connection is to be cut without a word."""


@dataclass(frozen=True, slots=True)
class Call:
    """An accepted call whose answer is already known and is still to be waited for.

    Attributes:
        number: of the arrival.
        wait_s: how long the answer takes.
        accepted_at: seconds since 1970.
    """

    number: int
    call_id: str
    target: Target
    order: Order
    answer: Answer
    booking: Booking | None
    fault: Fault | None
    wait_s: float
    accepted_at: float


class Service:
    """One emulator's state: quotas, books, faults, keys."""

    def __init__(self, config: EmulatorConfig, *, clock: Clock = time.monotonic, wall: Clock = time.time) -> None:
        """Set up a service.

        Args:
            config: its settings.
            clock: seconds that never go back, for quotas.
            wall: seconds since 1970, for the books.

        Raises:
            SettingsError: the purchases file cannot be opened.
        """
        self.config = config
        self.clock = clock
        self.wall = wall
        self.access = Access(config)
        self.books = PurchaseLog(config.purchases)
        self.arrivals = Arrivals()
        self.targets = targets_of(config)
        self.before_lookup: Callable[[], None] | None = None
        """Brings tuned models to the present before an unknown name is refused."""
        self._cache = PromptCache() if config.prompt_cache else None
        self._attempts: Counter[str] = Counter()
        self.set_faults(config.faults)

    def set_faults(self, faults: Faults) -> None:
        """Replace the faults; counts of earlier strikes are forgotten."""
        self.faults = faults
        self._strikes: Counter[str] = Counter()
        self._arrivals_at_faults = self.arrivals.total

    def target(self, name: str) -> Target:
        """What a name on the wire stands for.

        Raises:
            Refusal: 404.
        """
        found = self.targets.get(name)
        if (found is None or found.tuned is not None) and self.before_lookup is not None:
            self.before_lookup()
            found = self.targets.get(name)
        if found is None:
            raise refusals.unknown_model(self.config, name)
        return found

    def accept(
        self, raw_headers: Mapping[bytes, bytes], body: bytes, deployment: str | None, form: Form = "chat"
    ) -> Call:
        """Take a call in, or not.

        Args:
            raw_headers: lower-case names.
            body: JSON.
            deployment: from the address; None: the body's `model` counts.
            form: of the address that was called.

        Raises:
            Refusal: turned away with a status and a body.
            CutConnectionError: a fault cuts the connection before any work.
        """
        accepted_at, call_id = self.wall(), headers.client_id(raw_headers.items())
        number = self.arrivals.arrived(accepted_at)
        self.access.check(raw_headers)
        parsed = _parsed(body)
        target = self.target(_wire_name(parsed, deployment))
        order = self.order(target, parsed, form)
        asked = answers.read_prompt(order)
        key = call_id if call_id else f"arrival {number}"
        self._attempts[key] += 1
        attempt = self._attempts[key]
        chance = draws("call", self.config.seed, key, attempt)
        fault = self._fault(chance.first, key, asked, number)
        self._strike_before_quota(fault, target)
        booking = self._admit(target, order, asked)
        self.arrivals.admitted(accepted_at)
        self._strike_before_work(fault)
        answer = self.work(target, order, asked, key, fault)
        wait_s = self.config.latency.seconds(chance.second, answer.usage.completion_tokens)
        wait_s += self.faults.slow_s if fault is Fault.SLOW else 0.0
        self.books.begin(number, call_id)
        self.arrivals.most_open = max(self.arrivals.most_open, self.books.n_open)
        return Call(number, call_id, target, order, answer, booking, fault, wait_s, accepted_at)

    def order(self, target: Target, body: Mapping[str, Any], form: Form) -> Order:
        """What a request asks of a target.

        Raises:
            Refusal: 400, or the target answers at the other address only.
        """
        if (form == "completion") != (target.facts.family == "completion"):
            raise refusals.wrong_operation(self.config, target.served.model, form)
        if form == "completion":
            return read_prompt_order(body)
        return read_order(body, target.facts.family, target.served.model)

    def finish(self, call: Call, *, is_connected: bool) -> None:
        """The work of a call is done: bill it."""
        usage, cut = call.answer.usage, call.fault is Fault.DROP_AFTER
        call.target.pool.settle(call.booking, completion_tokens=usage.completion_tokens)
        purchase = Purchase(
            call_id=call.call_id,
            model=call.target.served.model,
            deployment=call.target.name,
            usage=usage,
            cost_usd=call.target.facts.cost_usd(
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached_tokens,
                completion_tokens=usage.completion_tokens,
            ),
            accepted_at=call.accepted_at,
            answered_at=self.wall(),
            delivered=is_connected and not cut and call.fault is not Fault.MALFORMED_JSON,
            status=0 if cut else 200,
            fault="" if call.fault is None else call.fault.value,
        )
        self.books.bought(purchase)

    def _fault(self, uniform: float, key: str, asked: Asked, number: int) -> Fault | None:
        faults = self.faults
        fault = faults.pick(uniform)
        if fault is None:
            return None
        if faults.first_arrivals is not None and number - self._arrivals_at_faults > faults.first_arrivals:
            return None
        if faults.only_containing is not None and not any(faults.only_containing in t for t in asked.texts):
            return None
        if faults.per_call is not None and self._strikes[key] >= faults.per_call:
            return None
        self._strikes[key] += 1
        return fault

    def _strike_before_quota(self, fault: Fault | None, target: Target) -> None:
        if fault is Fault.KEY_REVOKED:
            raise refusals.unauthorized(self.config, bearer=False, given=True)
        if fault is Fault.DEPLOYMENT_GONE:
            raise refusals.unknown_model(self.config, target.name)
        if fault is Fault.INSUFFICIENT_QUOTA:
            raise refusals.insufficient_quota()
        if fault is Fault.RATE_LIMITED:
            refused = Refused("requests", RATE_LIMITED_WAIT_S, 0, 0, 1)
            raise refusals.rate_limited(self.config, target.name, target.served.model, refused)

    def _admit(self, target: Target, order: Order, asked: Asked) -> Booking | None:
        limit = order.max_tokens if order.max_tokens is not None else target.facts.default_output_tokens
        outcome = target.pool.arrive(
            prompt_tokens=tokens.quota_estimate(asked.texts if order.prompt is None else [order.prompt]),
            max_tokens=limit * order.n,
            now_s=self.clock(),
        )
        if isinstance(outcome, Refused):
            raise refusals.rate_limited(self.config, target.name, target.served.model, outcome)
        return outcome

    def _strike_before_work(self, fault: Fault | None) -> None:
        if fault is Fault.ERROR_500 or fault is Fault.ERROR_503:
            raise refusals.server_error(self.config, 500 if fault is Fault.ERROR_500 else 503)
        if fault is Fault.DROP_BEFORE:
            raise CutConnectionError
        if fault is Fault.FILTER_PROMPT and self.config.is_azure:
            raise refusals.prompt_filtered()

    def work(self, target: Target, order: Order, asked: Asked, key: str, fault: Fault | None) -> Answer:
        """What the model says to an order.

        Args:
            target: who answers.
            order: what is asked for.
            asked: the conversation as the base model reads it.
            key: names the call; tells apart draws for the same prompt at a temperature.
            fault: spoils the answer.

        Raises:
            Refusal: 400, the prompt is too long.
        """
        is_chat = order.prompt is None
        prompt_tokens = tokens.prompt_count(asked.texts) if order.prompt is None else tokens.count(order.prompt)
        asked_for = prompt_tokens + (order.max_tokens if order.max_tokens is not None else 0)
        if asked_for > target.facts.context_tokens:
            text = (
                f"This model's maximum context length is {target.facts.context_tokens} tokens. "
                f"However, you requested {asked_for} tokens. Please reduce the length of the messages or completion."
            )
            raise refusals.invalid(text, param="messages" if is_chat else "prompt", code="context_length_exceeded")
        cached = 0 if self._cache is None else self._cache.cached_tokens(asked.texts, prompt_tokens)
        return answers.make_answer(
            order,
            asked,
            answers.Speaker(target.served.model, self.config.seed, key, self.config.manner, target.tuned),
            prompt_tokens=prompt_tokens,
            cached_tokens=cached,
            fault=fault,
        )


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        text = "We could not parse the JSON body of your request. The API expects a JSON payload."
        raise refusals.invalid(text, param=None, code=None)
    return parsed


def _wire_name(body: Mapping[str, Any], deployment: str | None) -> str:
    if deployment is not None:
        return deployment
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise refusals.invalid("you must provide a model parameter", param=None, code=None)
    return name
