from datetime import UTC, datetime

import pytest

from producer.planning.estimate import Completion, Load, completion_of, cost_of, time_s
from producer.prompting.strategies import STRATEGIES
from tests.support.plans import make_model

AT = datetime(2026, 11, 22, tzinfo=UTC)
LOAD = Load(
    n_requests=1200,
    prompt_tokens=240_000,
    low_tokens=1200,
    expected_tokens=2400,
    high_tokens=9600,
    max_tokens=249_600,
)


def two_pools(**second):
    first = make_model()
    other = make_model(deployment={"name": "west"} | second).deployments[0]
    return first.model_copy(update={"deployments": [*first.deployments, other]})


@pytest.mark.parametrize(
    ("strategy", "is_reasoning", "limit", "expected"),
    [
        pytest.param("basic", False, 8, (1, 2, 8, 8), id="number with a limit"),
        pytest.param("basic", False, 1, (1, 1, 1, 1), id="never more than the limit"),
        pytest.param("basic", False, None, (1, 2, 16, 16), id="no limit"),
        pytest.param("chain_of_thought", False, 400, (40, 110, 400, 400), id="reason"),
        pytest.param("basic", True, 1000, (1, 302, 1000, 1000), id="hidden reasoning"),
    ],
)
def test_completion_lies_between_a_terse_answer_and_the_limit(strategy, is_reasoning, limit, expected):
    found = completion_of(STRATEGIES[strategy], is_reasoning=is_reasoning, limit=limit)

    assert found == Completion(*expected)


def test_load_adds_up_requests():
    load = Load()
    load.add(100, Completion(1, 2, 8, 8))
    load.add(50, Completion(1, 2, 8, 8))

    assert (load.n_requests, load.prompt_tokens, load.expected_tokens, load.max_tokens) == (2, 150, 4, 166)


def test_cost_has_an_interval_from_terse_answers_to_the_limit():
    cost = cost_of(make_model(), LOAD, margin=0.0, at=AT)

    assert cost == pytest.approx((0.24 + 0.012, 0.24 + 0.024, 0.24 + 0.096))


def test_unknown_vocabulary_widens_the_interval_upwards():
    cost = cost_of(make_model(), LOAD, margin=0.2, at=AT)

    assert cost == pytest.approx((0.252, 0.264, 0.24 * 1.2 + 0.096))


def test_model_without_any_price_has_no_cost():
    assert cost_of(make_model(model="nobodys-model", price=None), LOAD, margin=0.0, at=AT) is None


@pytest.mark.parametrize(
    ("model", "expected_s"),
    [
        pytest.param(make_model(deployment={"tpm": 1_000_000}), 120.0, id="requests decide"),
        pytest.param(make_model(deployment={"tpm": 100_000}), 149.76, id="maximum tokens decide"),
        pytest.param(
            make_model(deployment={"tpm": 100_000, "quota_counting": "actual"}), 145.44, id="actual tokens decide"
        ),
        pytest.param(make_model(deployment={"tpm": None}), 120.0, id="tokens not limited"),
        pytest.param(two_pools(tpm=100_000), 74.88, id="two pools share"),
        pytest.param(two_pools(pool="east"), 149.76, id="two deployments of one pool do not"),
    ],
)
def test_time_is_what_the_stated_quotas_allow(model, expected_s):
    assert time_s({"mini": model}, {"mini": LOAD}) == pytest.approx(expected_s)


def test_models_that_share_a_pool_wait_for_each_other():
    models = {"a": make_model(), "b": make_model()}

    assert time_s(models, {"a": LOAD, "b": LOAD}) == pytest.approx(2 * 149.76)


def test_nothing_to_do_takes_no_time():
    assert time_s({}, {}) == 0.0
