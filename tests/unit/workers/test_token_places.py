import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.answering.respondent import log_chance
from emulator.answering.token_path import places
from emulator.answering.tokens import digit_pieces, pieces
from workers.reading.distributions import from_logprobs

CODES = {str(code): code for code in range(10, 41)}


def chat(*entries: dict[str, float]) -> dict:
    """Entries as {token: probability}; the first token of each is the one that was said."""
    content = []
    for chances in entries:
        top = [{"token": token, "logprob": math.log(p)} for token, p in chances.items()]
        content.append({**top[0], "top_logprobs": top})
    return {"content": content}


def completion(*entries: dict[str, float]) -> dict:
    return {
        "tokens": [next(iter(chances)) for chances in entries],
        "token_logprobs": [math.log(next(iter(chances.values()))) for chances in entries],
        "top_logprobs": [{token: math.log(p) for token, p in chances.items()} for chances in entries],
        "text_offset": [0] * len(entries),
    }


@pytest.mark.parametrize("told", [chat, completion])
def test_code_of_one_token_is_read_in_either_shape(told):
    found = from_logprobs(told({" 27": 0.5, " 10": 0.3, "2": 0.1, "I": 0.1}), CODES)

    assert (found.shares[27], found.shares[10]) == pytest.approx((0.625, 0.375))
    assert found.covered_mass == pytest.approx(0.8)  # "2" is no part of a code where codes are one token


@pytest.mark.parametrize("told", [chat, completion])
def test_code_of_two_tokens_is_followed_and_other_beginnings_are_split_evenly(told):
    found = from_logprobs(told({" 2": 0.5, " 1": 0.3, " 4": 0.2}, {"7": 0.8, "0": 0.2}), CODES)

    assert (found.shares[27], found.shares[20], found.shares[40]) == pytest.approx((0.4, 0.1, 0.2))
    assert {code: found.shares[code] for code in range(10, 20)} == pytest.approx(dict.fromkeys(range(10, 20), 0.03))
    assert found.covered_mass == pytest.approx(0.7)
    assert found.best == 27


def test_code_that_begins_another_is_told_from_it_by_what_follows():
    codes = {"1": 1, "2": 2, "10": 10, "12": 12}
    ended = from_logprobs(chat({"1": 0.6, "2": 0.4}), codes)
    went_on = from_logprobs(chat({"1": 0.6, "2": 0.4}, {"2": 0.5, "<|im_end|>": 0.3, "0": 0.2}), codes)

    assert ended.shares == pytest.approx({1: 0.6, 2: 0.4, 10: 0.0, 12: 0.0})
    assert went_on.shares == pytest.approx({1: 0.18, 2: 0.4, 10: 0.12, 12: 0.3})
    assert went_on.covered_mass == pytest.approx(1.0)


def test_marks_and_blanks_around_a_code_add_nothing():
    quoted = chat({'"': 1.0}, {"2": 0.5, "3": 0.5}, {"7": 1.0}, {'"': 1.0})

    assert from_logprobs(quoted, CODES).shares[27] == pytest.approx(0.5)


def test_readers_before_version_3_read_the_first_token_only():
    told = chat({"2": 0.6, "10": 0.4}, {"7": 1.0})

    assert from_logprobs(told, CODES, one_token=True).shares[10] == 1.0
    assert from_logprobs(chat({"2": 1.0}, {"7": 1.0}), CODES, one_token=True) is None


def test_options_beyond_the_list_share_what_is_left_and_are_not_covered():
    found = from_logprobs(chat({"10": 0.4, "11": 0.2, "I": 0.2}), CODES)

    left = 0.2 * 0.6 / 0.8  # options have of the rest what they have of the list
    assert found.covered_mass == pytest.approx(0.6)
    assert found.shares[12] == found.shares[40] == pytest.approx(left / 29 / (0.6 + left))
    assert found.shares[10] == pytest.approx(0.4 / (0.6 + left))


def test_option_beyond_the_list_has_no_more_than_the_least_of_it():
    found = from_logprobs(chat({"1": 0.5, "2": 0.01}), {"1": 1, "2": 2, "3": 3})

    assert found.shares[3] == pytest.approx(0.01 / 0.52)


@pytest.mark.parametrize("raw", [{"tokens": [5]}, {"tokens": []}, {"tokens": ["x"], "top_logprobs": 3}, {"tokens": {}}])
def test_damaged_completion_logprobs_are_none(raw):
    assert from_logprobs(raw, CODES) is None


@given(
    st.lists(st.floats(0.01, 1), min_size=31, max_size=31),
    st.integers(0, 30),
    st.booleans(),
)
def test_what_the_stand_in_reports_is_read_back(weights, chosen, split):
    """In one token each share is exact; in two those of the chosen ten are, and each ten's sum is."""
    p = {code: weight / sum(weights) for code, weight in zip(CODES.values(), weights, strict=True)}
    answers = {f" {code} END": share for code, share in p.items()}
    cut = digit_pieces if split else pieces
    said = places(f" {10 + chosen}", answers, cut)
    told = {
        "tokens": [place.token for place in said],
        "token_logprobs": [log_chance(place.chances[place.token]) for place in said],
        "top_logprobs": [{t: log_chance(c) for t, c in place.chances.items()} for place in said],
    }
    found = from_logprobs(told, CODES)

    known = [code for code in p if not split or code // 10 == (10 + chosen) // 10 or code == 40]
    assert {code: found.shares[code] for code in known} == pytest.approx({code: p[code] for code in known})
    for ten in (1, 2, 3, 4):
        mine = [code for code in p if code // 10 == ten]
        assert sum(found.shares[code] for code in mine) == pytest.approx(sum(p[code] for code in mine))
    assert found.covered_mass == pytest.approx(sum(p[code] for code in known))
