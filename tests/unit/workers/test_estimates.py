from workers.calls.requests import PlannedRequest
from workers.limits.estimates import LEARN_AFTER, MAX_QUESTIONS, UsageEstimates


def request(asked: str = "How?", *, planned: int = 4, limit: int = 200) -> PlannedRequest:
    messages = [{"role": "system", "content": "You are a nurse."}, {"role": "user", "content": asked}]
    return PlannedRequest("r", messages, {}, 100, planned, 100 + limit)


def learn(estimates: UsageEstimates, asked: str, completion: int, n: int = LEARN_AFTER) -> None:
    for _ in range(n):
        estimates.learn(request(asked), prompt_tokens=110, completion_tokens=completion)


def test_unknown_answer_is_booked_longer_than_planned_but_not_beyond_its_limit():
    assert UsageEstimates().tokens(request()) == 100 + 2 * 4 + 16
    assert UsageEstimates().tokens(request(limit=10)) == 110


def test_question_is_booked_at_what_it_used_and_a_new_one_at_what_its_strategy_used():
    estimates = UsageEstimates()
    learn(estimates, "Short?", 10)
    learn(estimates, "Long?", 30)

    assert estimates.tokens(request("Short?")) == 120
    assert estimates.tokens(request("Long?")) == 140
    assert 120 < estimates.tokens(request("New?")) < 140


def test_other_strategy_is_not_judged_by_this_one():
    estimates = UsageEstimates()
    learn(estimates, "Short?", 10)

    assert estimates.tokens(request("Short?", planned=150, limit=400)) == 110 + 2 * 150 + 16


def test_memory_of_questions_is_bounded():
    estimates = UsageEstimates()
    for i in range(MAX_QUESTIONS + 50):
        learn(estimates, f"Question {i}?", 10, n=1)

    assert len(estimates._questions) == MAX_QUESTIONS
