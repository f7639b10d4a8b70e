from datetime import UTC, datetime

import pytest

from producer.planning.transport_choice import Typical, choose, cost_of_choice, endpoint_key, options_of
from producer.planning.transports import planned_transport
from schemas.run import ArmLoad
from schemas.study import Arm
from tests.support.plans import make_model

AT = datetime(2026, 11, 22, tzinfo=UTC)
HOUR_S = 3600.0
BATCH = {"name": "night", "base_url": "https://east.example.com/openai/v1", "auth": "none"}
LOAD = ArmLoad(
    arm="basic", model="mini", transport="auto", n_requests=1200, prompt_tokens=240_000, low_tokens=1200,
    expected_tokens=2400, high_tokens=9600, max_tokens=249_600,
)  # fmt: skip


def chosen(left_s=None, *, times=None, loads=(LOAD,), deadline="x", **model):
    models = {"mini": make_model(batch=[BATCH]) if not model else make_model(**({"batch": [BATCH]} | model))}
    left, deadlines = ({}, {}) if left_s is None else ({"mini": left_s}, {"mini": deadline})
    (choice,) = choose(models, list(loads), times or {}, deadlines=deadlines, left_s=left, at=AT)
    return choice


def seen(hours, n=3):
    return {endpoint_key(make_model(batch=[BATCH]).batch[0]): Typical(hours * HOUR_S, n)}


@pytest.mark.parametrize(
    ("given", "transport", "told"),
    [
        pytest.param({}, "batch", "nobody gave a deadline", id="no deadline"),
        pytest.param({"left_s": 30 * HOUR_S}, "batch", "$0.13 instead of $0.26 online", id="a day and more"),
        pytest.param({"left_s": 8 * HOUR_S}, "online", "may take 24.0 h", id="tonight"),
        pytest.param({"left_s": 8 * HOUR_S, "times": seen(2)}, "batch", "as 3 batches here took", id="quick ones seen"),
        pytest.param({"left_s": 8 * HOUR_S, "times": seen(2, n=2)}, "online", "promises", id="too few seen"),
        pytest.param({"left_s": 60.0}, "online", "nothing meets the deadline in 60 s", id="nothing in time"),
        pytest.param({"left_s": 60.0, "times": seen(0.02)}, "batch", "LATE", id="nothing in time, batches quicker"),
        pytest.param({"price": {"input": 1, "output": 1, "batch_factor": 1}}, "online", "not be cheaper", id="no gain"),
    ],
)
def test_cheapest_that_meets_the_deadline_is_taken(given, transport, told):
    choice = chosen(**given)

    assert (choice.transport, told in choice.reason) == (transport, True), choice.reason


def test_fastest_is_taken_where_the_times_of_all_online_work_do_not_fit_together():
    other = LOAD.model_copy(update={"arm": "other", "transport": "online", "n_requests": 60_000})

    alone, crowded = chosen(0.5 * HOUR_S), chosen(0.5 * HOUR_S, loads=(LOAD, other))

    assert alone.reason.startswith("online: a batch may take")
    assert crowded.reason.startswith("online: nothing meets the deadline")


def test_queue_that_fills_up_and_turns_make_batches_slower():
    full, turns = BATCH | {"enqueued_tokens": 100_000}, LOAD.model_copy(update={"n_later_calls": 2400})

    (_, in_a_row), (_, one_a_turn) = (
        options_of({"mini": make_model(batch=[batch])}, load, {}, at=AT)
        for batch, load in ((full, LOAD), (BATCH, turns))
    )

    assert (in_a_row.time_s, one_a_turn.time_s) == (72 * HOUR_S, 72 * HOUR_S)
    assert in_a_row.basis == "as the service promises, 3 in a row"


WEST = BATCH | {"name": "west", "base_url": "https://west.example.com/openai/v1"}


def test_slowest_endpoint_that_a_batch_may_go_to_decides_whether_the_deadline_is_met():
    both = {endpoint_key(each): Typical(hours * HOUR_S, 3) for each, hours in zip(
        make_model(batch=[BATCH, WEST]).batch, (2, 20), strict=True
    )}  # fmt: skip

    tonight, tomorrow = (chosen(hours * HOUR_S, times=both, batch=[BATCH, WEST]) for hours in (8, 21))
    unknown = chosen(8 * HOUR_S, times=seen(2), batch=[BATCH, WEST])

    assert tonight.reason.startswith("online: a batch may take 20.0 h")
    assert (tomorrow.transport, "within 20.0 h" in tomorrow.reason) == ("batch", True)
    assert unknown.reason.startswith("online: a batch may take 24.0 h")


def test_queues_of_several_endpoints_are_filled_together():
    full = [each | {"enqueued_tokens": 100_000} for each in (BATCH, WEST)]
    options = options_of({"mini": make_model(batch=full)}, LOAD, {}, at=AT)
    together, *alone = [option for option in options if option.transport == "batch"]

    assert (together.via, together.time_s) == ("all pools", 48 * HOUR_S)
    assert [option.time_s for option in alone] == [72 * HOUR_S, 72 * HOUR_S]


def test_every_pool_and_every_batch_endpoint_is_an_option():
    model = make_model(batch=[BATCH])
    west = model.deployments[0].model_copy(update={"name": "west"})
    model = model.model_copy(update={"deployments": [*model.deployments, west]})

    options = options_of({"mini": model}, LOAD, {}, at=AT)

    assert [(o.transport, o.via) for o in options] == [
        ("online", "all pools"), ("online", "east"), ("online", "west"), ("batch", "night"),
    ]  # fmt: skip
    assert options[0].time_s == pytest.approx(options[1].time_s / 2)


def test_cost_as_chosen_is_half_in_batches():
    models, choice = {"mini": make_model(batch=[BATCH])}, chosen()

    online, batch = (cost_of_choice(models, [LOAD], found, at=AT) for found in ([], [choice]))

    assert batch.expected == pytest.approx(online.expected / 2)


@pytest.mark.parametrize(
    ("arm", "model", "planned"),
    [
        pytest.param({}, {"batch": [BATCH]}, "auto", id="both"),
        pytest.param({}, {}, "online", id="no batch endpoint"),
        pytest.param({}, {"batch": [BATCH], "deployments": []}, "batch", id="batch endpoint only"),
        pytest.param({"memory": True}, {"batch": [BATCH]}, "online", id="memory"),
        pytest.param({}, {"batch": [BATCH], "model": "gpt-4.1-mini.ft-0a1b"}, "online", id="tuned on Azure"),
        pytest.param({"transport": "batch"}, {"batch": [BATCH]}, "batch", id="said by the arm"),
    ],
)
def test_plan_leaves_open_only_what_can_be_chosen(arm, model, planned):
    given = Arm.model_validate({"model": "mini", "strategy": "basic", "transport": "auto"} | arm)

    assert planned_transport(given, make_model(**model)) == planned
