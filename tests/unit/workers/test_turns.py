from dataclasses import replace

import pytest

from producer.prompting.turns import Turns
from workers.calls.requests import PlannedRequest
from workers.calls.turns import joined, known_turns, next_call, settled_answer
from workers.shards.landing import Answer

FIRST = [{"role": "user", "content": "Who?"}]
STEPS = Turns(FIRST, ([{"role": "user", "content": "Times?"}], [{"role": "user", "content": "Question"}]))
SAMPLES = Turns(FIRST, ({"again": 0}, {"again": 0}))


def request(turns: Turns | None = STEPS) -> PlannedRequest:
    return PlannedRequest("r", FIRST, {}, 300, 30, 600, turns)


def answer(outcome: str = "ok", text: str | None = "t", **more: object) -> Answer:
    values = {"cost_usd": 0.5, "attempts": 1, "created_at": "2026-11-22T00:00:00+00:00", "model": "m"}
    values |= {"prompt_tokens": 10, "cached_tokens": 1, "completion_tokens": 4, "reasoning_tokens": 2}
    return Answer(**{"outcome": outcome, "turns": () if text is None else (text,), **values, **more})


def test_tokens_cost_and_attempts_are_sums_and_texts_all_there():
    whole = joined(request(), [answer(text="a"), answer(text="b", attempts=3), answer(text="c", finish_reason="stop")])

    assert whole.turns == ("a", "b", "c")
    assert (whole.prompt_tokens, whole.cached_tokens, whole.completion_tokens, whole.reasoning_tokens) == (30, 3, 12, 6)
    assert (whole.cost_usd, whole.attempts, whole.finish_reason) == (1.5, 5, "stop")


@pytest.mark.parametrize("outcome", ["refused", "filtered", "truncated", "failed"])
def test_bad_turn_in_the_middle_ends_the_request_with_its_outcome(outcome):
    answers = [answer(text="a"), answer(outcome, None, error_code="why")]

    assert next_call(request(), answers) is None
    whole = joined(request(), answers)
    assert (whole.outcome, whole.error_code, whole.turns, whole.cost_usd) == (outcome, "why", ("a",), 1.0)


def test_refused_sample_does_not_end_the_request():
    answers = [answer("refused", None), answer(text="2"), answer(text="3")]

    assert next_call(request(SAMPLES), answers[:1]) is not None
    whole = joined(request(SAMPLES), answers)
    assert (whole.outcome, whole.turns) == ("ok", ("", "2", "3"))


def test_samples_that_are_all_refused_are_refused():
    assert joined(request(SAMPLES), [answer("refused", None)] * 3).outcome == "refused"


def test_unknown_usage_of_one_turn_makes_the_sum_unknown():
    assert joined(request(), [answer(), answer(prompt_tokens=None), answer()]).prompt_tokens is None


def test_calls_carry_their_own_ids_messages_and_limit():
    second = next_call(request(), [answer(text="a nurse")])

    assert second.call_id == "r.1"
    assert [m["content"] for m in second.messages] == ["Who?", "a nurse", "Times?"]
    assert second.max_tokens - second.prompt_tokens == 100


def test_journal_gives_the_leading_turns_and_the_rest_is_asked():
    records = {"r.0": answer(text="a").record(), "r.2": answer(text="stray").record()}

    known = known_turns(request(), records)

    assert [a.turns for a in known] == [("a",)]
    assert next_call(request(), known).call_id == "r.1"
    assert settled_answer(request(), records) is None


def test_request_of_one_turn_is_settled_by_its_one_answer():
    one = request(None)

    assert settled_answer(one, {}) is None
    assert settled_answer(one, {"r.0": answer().record()}) == answer()
    assert next_call(one, []) == one


def test_logprobs_of_several_turns_are_a_list():
    answers = [replace(answer(), logprobs='{"content":[]}')] * 2

    assert joined(request(), answers).logprobs == '[{"content":[]},{"content":[]}]'
