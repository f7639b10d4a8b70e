import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.reading.distributions import from_logprobs, from_stated, logprobs_of_turn

CODES = {"1": 1, "2": 2, "3": 3}
LABELS = {1: "Good", 2: "Fair", 3: "Poor"}


def told(*tokens: tuple[str, float], before: tuple[str, ...] = ()) -> dict:
    top = [{"token": token, "logprob": math.log(p) if p else -9999.0} for token, p in tokens]
    blanks = [{"token": blank, "logprob": 0.0, "top_logprobs": []} for blank in before]
    return {"content": [*blanks, {**top[0], "top_logprobs": top}]}


def test_variants_of_a_token_are_added_up_and_other_tokens_not_covered():
    found = from_logprobs(told(("1", 0.4), (" 1", 0.2), ("2", 0.1), ('"2"', 0.1), ("I", 0.2)), CODES)

    assert found.shares == pytest.approx({1: 0.75, 2: 0.25, 3: 0.0})
    assert found.covered_mass == pytest.approx(0.8)
    assert found.best == 1


def test_first_spoken_token_counts_where_blanks_come_before():
    assert from_logprobs(told(("3", 1.0), before=("\n", " ")), CODES).shares[3] == 1.0


def test_chosen_token_counts_where_the_alternatives_lack_it():
    raw = {"content": [{"token": "2", "logprob": math.log(0.3), "top_logprobs": [{"token": "x", "logprob": -1.0}]}]}

    assert from_logprobs(raw, CODES).covered_mass == pytest.approx(0.3)


def test_tie_goes_to_the_first_code():
    assert from_logprobs(told(("2", 0.5), ("1", 0.5)), CODES).best == 1


def test_letters_count_in_either_case():
    assert from_logprobs(told(("b", 0.6), ("B", 0.4)), {"A": 7, "B": 3}).shares == {7: 0.0, 3: 1.0}


@pytest.mark.parametrize(
    "raw",
    [None, 5, [], {}, {"content": None}, {"content": [5]}, {"content": [{"token": 5}]}, told(("I", 1.0))],
)
def test_nothing_to_read_is_none(raw):
    assert from_logprobs(raw, CODES) is None


def test_turns_have_their_own_logprobs():
    one, two = told(("1", 1.0)), told(("2", 1.0))

    assert logprobs_of_turn(json.dumps(one), 0) == one
    assert logprobs_of_turn(json.dumps([one, None, two]), 2) == two
    assert logprobs_of_turn(json.dumps([one, None]), 1) is None
    assert logprobs_of_turn(json.dumps([one]), 3) is None
    assert logprobs_of_turn(None, 0) is None


@pytest.mark.parametrize(
    ("text", "shares", "covered"),
    [
        pytest.param('{"1": 50, "2": 30, "3": 20}', {1: 0.5, 2: 0.3, 3: 0.2}, 1.0, id="percent"),
        pytest.param('{"1": 0.5, "2": 0.5}', {1: 0.5, 2: 0.5, 3: 0.0}, 1.0, id="shares"),
        pytest.param('```json\n{"1": "60%", "3": "40 %"}\n```', {1: 0.6, 2: 0.0, 3: 0.4}, 1.0, id="fenced"),
        pytest.param('I think: {"Good": 75, "fair": 25}.', {1: 0.75, 2: 0.25, 3: 0.0}, 1.0, id="labels"),
        pytest.param('{"1": 40, "2": 40, "other": 20}', {1: 0.5, 2: 0.5, 3: 0.0}, 0.8, id="beyond options"),
        pytest.param('{"1": 33.3, "2": 33.3, "3": 33.3}', {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}, 1.0, id="sum below 100"),
    ],
)
def test_stated_distribution_is_scaled_to_its_own_sum(text, shares, covered):
    found = from_stated(text, CODES, LABELS)

    assert found.shares == pytest.approx(shares)
    assert found.covered_mass == pytest.approx(covered)


@pytest.mark.parametrize(
    "text",
    [
        "", "50 50", "{}", '{"1": 0, "2": 0}', '{"1": -5, "2": 105}', '{"1": true}', '{"1": [1]}', '{"1": NaN}',
        '{"1": 20, "1": 80}', '{"1": 20, "Good": 80}', '{"other": 100}', '{"1": 1e999}', "{" * 5000 + "}" * 5000,
    ],
)  # fmt: skip
def test_what_states_no_distribution_is_none(text):
    assert from_stated(text, CODES, LABELS) is None


@given(st.text(max_size=200))
def test_any_text_gives_shares_that_sum_to_one_or_none(text):
    found = from_stated(text, CODES, LABELS)

    assert found is None or sum(found.shares.values()) == pytest.approx(1)
