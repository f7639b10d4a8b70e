"""A deployment that succeeded and is not found yet, told from one that cannot be asked."""

import pytest

from finetuning.deployments.serving import LOOK_EVERY_S, SERVED_WITHIN_S, until_served
from schemas.errors import (
    EnvironmentFailureError,
    RateLimitedError,
    RejectedRequestError,
    ServiceRefusedError,
    TransientModelError,
)

MISSING = ServiceRefusedError("no", code="deployment_not_found", http_status=404)


class Waiting:
    """What came of the calls in turn; then an answer."""

    def __init__(self, *said, forever=None):
        self.said, self.forever = list(said), forever
        self.n_asked, self.waited_s, self.told = 0, 0.0, []

    async def ask(self):
        self.n_asked += 1
        error = self.said.pop(0) if self.said else self.forever
        if error is not None:
            raise error

    async def pause(self, seconds):
        self.waited_s += seconds

    async def served(self):
        return await until_served("dep", self.ask, tell=self.told.append, pause=self.pause)


async def test_deployment_that_answers_is_asked_once():
    service = Waiting()

    assert await service.served()
    assert (service.n_asked, service.waited_s, service.told) == (1, 0, [])


async def test_deployment_that_is_not_found_is_asked_until_it_is_and_each_minute_says_so():
    service = Waiting(*[MISSING] * 30)

    assert await service.served()
    assert (service.n_asked, service.waited_s) == (31, 30 * LOOK_EVERY_S)
    assert len(service.told) == 3
    assert "dep is deployed and not found yet" in service.told[0]


async def test_deployment_that_is_never_found_ends_the_wait_and_says_what_is_billed():
    service = Waiting(forever=MISSING)

    with pytest.raises(EnvironmentFailureError, match="after 10 minutes") as e:
        await service.served()

    assert service.waited_s == SERVED_WITHIN_S
    assert "billed" in e.value.hint


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RejectedRequestError("max_tokens", http_status=400), id="refuses the parameter"),
        pytest.param(RateLimitedError("busy"), id="busy"),
    ],
)
async def test_any_other_word_of_the_deployment_shows_that_it_is_there(error):
    service = Waiting(forever=error)

    assert await service.served()
    assert (service.n_asked, service.told) == (1, [])


@pytest.mark.parametrize(
    ("error", "n_asked"),
    [
        pytest.param(ServiceRefusedError("Key refused.", code="unauthorized", http_status=401), 1, id="key"),
        pytest.param(ServiceRefusedError("Not here.", code="model_not_found", http_status=404), 1, id="wrong address"),
        pytest.param(TransientModelError("Nobody is there.", code="unreachable"), 3, id="unreachable"),
    ],
)
async def test_what_cannot_be_asked_is_said_and_stops_nobody(error, n_asked):
    service = Waiting(forever=error)

    assert not await service.served()
    assert service.n_asked == n_asked
    assert error.what in service.told[-1]


async def test_short_trouble_between_two_looks_is_survived():
    lost = TransientModelError("lost", code="connection_lost")
    service = Waiting(MISSING, lost, MISSING, lost, MISSING)

    assert await service.served()
    assert service.n_asked == 6
