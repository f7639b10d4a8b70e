from decimal import Decimal

import pytest

from emulator.catalogue import ModelFacts, shipped_catalogue


@pytest.mark.parametrize(
    ("model", "prices"),
    [
        ("gpt-4.1", ("2", "0.5", "8")),
        ("gpt-4.1-mini", ("0.4", "0.1", "1.6")),
        ("gpt-4.1-nano", ("0.1", "0.025", "0.4")),
        ("gpt-4o-mini", ("0.15", "0.075", "0.6")),
        ("o4-mini", ("1.1", None, "4.4")),
    ],
)
def test_shipped_catalogue_has_the_published_prices(model, prices):
    facts = shipped_catalogue()[model]

    assert (facts.input, facts.cached_input, facts.output) == tuple(p and Decimal(p) for p in prices)


def test_cost_is_exact_and_counts_cached_tokens_once():
    facts = ModelFacts(snapshot="m", input="0.4", cached_input="0.1", output="1.6")

    cost = facts.cost_usd(prompt_tokens=301, cached_tokens=128, completion_tokens=3)

    assert cost == Decimal("0.0000868")


def test_cached_tokens_cost_as_others_where_no_price_is_set():
    facts = ModelFacts(snapshot="m", input="1", output="1")

    assert facts.cost_usd(prompt_tokens=10, cached_tokens=10, completion_tokens=0) == Decimal("0.00001")
