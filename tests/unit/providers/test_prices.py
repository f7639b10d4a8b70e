import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.prices import cost_usd, price_of
from providers.replies import Usage
from schemas.models import Deployment, Model, Price

AT = datetime(2026, 11, 22, tzinfo=UTC)


def make_model(model_id: str, provider: str = "openai", price: Price | None = None) -> Model:
    deployment = Deployment(name="here", base_url="https://h", rpm=60)
    return Model(provider=provider, model=model_id, price=price, deployments=[deployment])


def test_price_in_the_models_file_comes_first():
    own = Price(input=9, output=9)

    assert price_of(make_model("gpt-4.1-mini", price=own)) is own


@pytest.mark.parametrize(
    ("model_id", "provider", "expected"),
    [
        pytest.param("gpt-4.1-mini", "openai", (0.4, 0.1, 1.6), id="undated"),
        pytest.param("gpt-4.1-mini-2025-04-14", "openai", (0.4, 0.1, 1.6), id="listed-snapshot"),
        pytest.param("gpt-4.1-mini-2029-01-01", "openai", (0.4, 0.1, 1.6), id="unlisted-snapshot"),
        pytest.param("gpt-4.1-mini", "azure_v1", (0.4, 0.1, 1.6), id="azure"),
        pytest.param("gpt-4.1-mini-2025-04-14.ft-0123abcd", "azure_v1", (0.4, 0.1, 1.6), id="tuned-on-azure"),
        pytest.param("gpt-6-luna", "openai", (0.1, 0.01, 0.5), id="tiered"),
        pytest.param("gpt-4-0613", "openai", (30.0, None, 60.0), id="no-cached-price"),
    ],
)
def test_price_comes_from_the_shipped_table_by_model_id(model_id, provider, expected):
    price = price_of(make_model(model_id, provider), at=AT)

    assert price is not None
    assert (price.input, price.cached_input, price.output) == expected
    assert price.per_tokens == 1_000_000


def test_price_says_when_the_table_looked_last():
    price = price_of(make_model("gpt-4.1-mini"), at=AT)

    assert price is not None
    assert price.as_of is not None
    assert date(2026, 1, 1) < price.as_of <= AT.date()


@pytest.mark.parametrize("model_id", ["llama-3", "my-mini", "gpt-4.1-mini.ft-1"])
def test_price_of_an_unknown_model_is_none(model_id):
    assert price_of(make_model(model_id), at=AT) is None


PRICE = Price(input=0.4, cached_input=0.1, output=1.6)


@pytest.mark.parametrize(
    ("usage", "price", "batch", "expected"),
    [
        pytest.param(Usage(1_000_000, 0, 0, 0), PRICE, False, 0.4, id="input"),
        pytest.param(Usage(1_000_000, 1_000_000, 0, 0), PRICE, False, 0.1, id="cached"),
        pytest.param(Usage(1_000_000, 250_000, 0, 0), PRICE, False, 0.325, id="partly-cached"),
        pytest.param(Usage(0, 0, 1_000_000, 900_000), PRICE, False, 1.6, id="reasoning-inside-output"),
        pytest.param(Usage(1_000_000, 0, 1_000_000, 0), PRICE, True, 1.0, id="batch"),
        pytest.param(Usage(100, 100, 0, 0), Price(input=2, output=8, per_tokens=100), False, 2.0, id="cached-as-input"),
        pytest.param(Usage(5, 0, 5, 0), Price(input=0, output=0), False, 0.0, id="free"),
    ],
)
def test_cost_of_a_call(usage, price, batch, expected):
    assert cost_usd(usage, price, batch=batch) == pytest.approx(expected, abs=1e-15)


@given(st.lists(st.tuples(*[st.integers(0, 200_000)] * 3), min_size=1, max_size=50))
def test_costs_of_calls_add_up_to_the_cost_of_their_tokens(rows):
    usages = [Usage(prompt, min(cached, prompt), completion, 0) for prompt, cached, completion in rows]
    whole = Usage(
        *(
            sum(column)
            for column in zip(
                *((u.prompt_tokens, u.cached_tokens, u.completion_tokens, 0) for u in usages), strict=True
            )
        )
    )

    assert math.isclose(sum(cost_usd(u, PRICE) for u in usages), cost_usd(whole, PRICE), rel_tol=0, abs_tol=1e-9)
