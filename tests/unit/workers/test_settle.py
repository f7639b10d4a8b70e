"""One call against a real HTTP service, from its turn to its outcome, and what the pool learns from it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.models import Model
from tests.support.chat_server import Answer as ServerAnswer
from tests.support.chat_server import ChatServer, answering, chat_server, completion
from workers.calls import aftermath, retry
from workers.calls.lanes import Lane, Lanes
from workers.calls.requests import PlannedRequest
from workers.calls.settle import settle
from workers.calls.settling import NoLaneLeft, Settling
from workers.limits import day_hint
from workers.limits.quota_server import Booking, Quota, Reservation


class OpenServer:
    """A quota server that grants everything at once and keeps what it was told."""

    def __init__(self) -> None:
        self.held_s: list[float] = []

    async def reserve(self, quota: Quota, booking: Booking) -> Reservation:
        now_s = asyncio.get_running_loop().time()
        return Reservation(now_s, now_s)

    async def hold(self, pool: str, seconds: float) -> None:
        self.held_s.append(seconds)

    async def limit(self, pool: str, *, requests_per_min: int, tokens_per_min: int, seconds: float) -> None:
        raise AssertionError(pool)


class Notes:
    """A journal that is only read by the test."""

    def __init__(self) -> None:
        self.intents: list[str] = []

    async def ready(self, call: str, reserved_usd: float = 0.0) -> None:
        """Always."""

    def intent(self, call: str, reserved_usd: float = 0.0) -> None:
        self.intents.append(call)

    def failure(self, call: str, code: str, *, maybe_paid: bool) -> None:
        """Not looked at."""

    def answer(self, call: str, record: dict[str, Any], *, is_over: bool = True) -> None:
        """Not looked at."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Desk:
    """A lane to a service and what its work said."""

    service: ChatServer
    lane: Lane
    quota: OpenServer
    journal: Notes = field(default_factory=Notes)
    counted: Counter[str] = field(default_factory=Counter)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def settle(self, name: str = "r", **parameters: Any) -> Any:
        work = Settling(
            lanes=[self.lane], journal=self.journal, guard=lambda: None, stopped=asyncio.Event(),
            count=lambda what: self.counted.update([what]), moved=lambda: None,
            tell=lambda pool, sentence: self.told.append((pool, sentence)),
        )  # fmt: skip
        sent = {"max_completion_tokens": 8} | parameters
        return await settle(PlannedRequest(name, [{"role": "user", "content": "?"}], sent, 20, 2, 28), work)


@asynccontextmanager
async def desk(answer: ServerAnswer | None = None, **more: Any) -> AsyncIterator[Desk]:
    async with chat_server(answer) as service:
        deployment = {"name": "east", "base_url": f"{service.url}/v1", "auth": "none", "rpm": 600, "tpm": 9000}
        model = Model.model_validate({"provider": "openai", "model": "o4-mini", "deployments": [deployment]} | more)
        quota = OpenServer()
        lanes = Lanes(quota, {}, 8)
        try:
            yield Desk(service, lanes.of_model(model)[0], quota)
        finally:
            await lanes.close()


def error(code: str, param: str | None = None, message: str = "no", **headers: str) -> ServerAnswer:
    status = 400 if param is not None else 429
    return answering({"error": {"message": message, "param": param, "code": code}}, status=status, headers=headers)


def unless(is_refused: Callable[[dict[str, Any]], bool], refusal: ServerAnswer, work: Callable[[], ChatServer]) -> Any:
    async def answer(request: Any) -> Any:
        body = work().received[-1].body
        return await (refusal if is_refused(body) else answering(completion()))(request)

    return answer


def first_then(answer: ServerAnswer) -> ServerAnswer:
    """One service answers first, a healthy one ever after."""
    answers = iter([answer])

    async def answered(request: Any) -> Any:
        return await next(answers, answering(completion()))(request)

    return answered


async def test_old_name_of_the_limit_is_sent_again_under_the_new_one_and_remembered():
    async with desk() as d:
        d.service.answer = unless(
            lambda body: "max_tokens" in body, error("unsupported_parameter", "max_tokens"), lambda: d.service
        )

        answers = [await d.settle(name, max_completion_tokens=None, max_tokens=8) for name in ("a", "b")]

        assert [a.outcome for a in answers] == ["ok", "ok"]
        assert [a.attempts for a in answers] == [1, 1]
        limits = [{k for k in r.body if k.startswith("max")} for r in d.service.received]
        assert limits == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


async def test_refused_temperature_stops_the_model_with_its_name_and_the_family():
    async with desk(error("unsupported_value", "temperature", "'temperature' does not support 0")) as d:
        with pytest.raises(NoLaneLeft) as end:
            await d.settle(temperature=0)

        assert end.value.exit_code == 5
        assert "`temperature`" in end.value.message
        assert "`family: reasoning`" in end.value.message
        assert len(d.service.received) == 1


async def test_request_told_to_come_back_in_a_day_fails_if_the_pool_serves_others(monkeypatch):
    monkeypatch.setitem(retry.FIXED_DELAYS_S, "day_hint", 0.2)
    async with desk() as d:
        d.service.answer = unless(
            lambda body: body["seed"] == 1, error("429", **{"retry-after": "86400"}), lambda: d.service
        )

        large = asyncio.create_task(d.settle("large", seed=1))
        await asyncio.sleep(0.1)
        small = await d.settle("small", seed=2)

        assert small.outcome == "ok"
        assert ((await large).outcome, (await large).error_code) == ("failed", "oversized")
        assert d.quota.held_s == []


async def test_pool_that_serves_nobody_for_a_day_pauses_says_so_and_is_tried_again(monkeypatch):
    monkeypatch.setitem(retry.FIXED_DELAYS_S, "day_hint", 0.05)
    monkeypatch.setattr("workers.limits.breaker.REFUSED_PAUSE_S", 0.3)
    async with desk(error("429", **{"retry-after": "86400"})) as d:
        work = asyncio.create_task(d.settle())
        await asyncio.sleep(0.8)
        assert d.told[0] == ("east", aftermath.paused_sentence("east"))
        assert d.quota.held_s[0] == day_hint.REFUSED_PAUSE_S

        d.service.answer = answering(completion())

        assert (await work).outcome == "ok"
        assert d.told[-1] == ("east", "")


def not_found() -> ServerAnswer:
    return answering({"error": {"code": "DeploymentNotFound", "message": "no"}}, status=404)


async def test_new_deployment_that_is_not_found_yet_is_waited_for_and_says_so(monkeypatch):
    monkeypatch.setattr("workers.limits.breaker.NOT_YET_PAUSE_S", 0.1)
    until = datetime.now(UTC) + timedelta(minutes=5)
    async with desk(not_found(), fresh_until=until) as d:
        work = [asyncio.create_task(d.settle(name)) for name in ("a", "b")]
        await asyncio.sleep(0.8)
        n_asked = len(d.service.received)
        d.service.answer = answering(completion())
        answers = [await each for each in work]

        assert [a.outcome for a in answers] == ["ok", "ok"]
        assert [a.attempts for a in answers] == [1, 1]
        assert 2 <= n_asked <= 9
        assert "is new" in d.told[0][1]
        assert d.told[-1] == ("east", "")


@pytest.mark.parametrize("minutes", [None, -1])
async def test_deployment_that_is_not_found_and_not_new_stops_the_model_at_once(minutes):
    until = None if minutes is None else datetime.now(UTC) + timedelta(minutes=minutes)
    async with desk(not_found(), fresh_until=until) as d:
        with pytest.raises(NoLaneLeft) as end:
            await d.settle()

        assert (end.value.exit_code, end.value.code) == (5, "deployment_not_found")
        assert len(d.service.received) == 1


async def test_deployment_that_is_still_not_found_when_it_is_new_no_longer_is_given_up(monkeypatch):
    monkeypatch.setattr("workers.limits.breaker.NOT_YET_PAUSE_S", 0.1)
    async with desk(not_found(), fresh_until=datetime.now(UTC) + timedelta(seconds=0.6)) as d:
        with pytest.raises(NoLaneLeft):
            await d.settle()

        assert len(d.service.received) >= 2
        assert d.told[-1] == ("east", "")


async def test_exhausted_quota_in_the_headers_of_an_answer_holds_the_pool():
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6s"}
    async with desk(answering(completion(), headers=headers)) as d:
        await d.settle()

        assert d.quota.held_s == [6.0]


async def test_busy_service_that_says_when_to_come_back_holds_the_pool():
    async with desk() as d:
        d.service.answer = first_then(
            answering({"error": {"message": "busy"}}, status=503, headers={"retry-after": "1"})
        )

        answer = await d.settle()

        assert (answer.outcome, answer.attempts, d.quota.held_s) == ("ok", 2, [1.0])


async def test_call_larger_than_a_pools_minute_goes_to_the_pool_that_holds_it():
    async with chat_server() as small, chat_server() as large:
        places = (("small", small, 20), ("large", large, 9000))
        deployments = [
            {"name": name, "base_url": f"{service.url}/v1", "auth": "none", "rpm": 600, "tpm": tpm, "identity": "one",
             "quota_counting": "max_tokens"}
            for name, service, tpm in places
        ]  # fmt: skip
        model = Model.model_validate({"provider": "openai", "model": "o4-mini", "deployments": deployments})
        lanes = Lanes(OpenServer(), {}, 8)
        request = PlannedRequest("r", [{"role": "user", "content": "?"}], {}, 20, 2, 28)
        work = Settling(
            lanes=lanes.of_model(model), journal=Notes(), guard=lambda: None, stopped=asyncio.Event(),
            count=lambda _: None, moved=lambda: None, tell=lambda *_: None,
        )  # fmt: skip

        await settle(request, work)
        await lanes.close()

        assert (len(small.received), len(large.received)) == (0, 1)
