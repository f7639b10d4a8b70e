from workers.limits.breaker import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PATIENCE_PROVEN_S,
    PATIENCE_UNPROVEN_S,
    REFUSED_PAUSE_S,
    TROUBLE_IN_A_ROW,
    Breaker,
)


def proven():
    breaker = Breaker()
    breaker.answered()
    return breaker


def fail(breaker, times, *, now_s=0.0, reached=True):
    for _ in range(times):
        breaker.failed(now_s, reached=reached, code="server_error", reason="it fails")


def test_new_endpoint_is_called_one_at_a_time_until_it_answers():
    breaker = Breaker()
    assert breaker.needs_probe
    assert not breaker.is_open(0.0)
    breaker.answered()
    assert not breaker.needs_probe


def test_trouble_in_a_row_closes_it_and_asks_for_a_probe():
    breaker = proven()
    fail(breaker, TROUBLE_IN_A_ROW - 1)
    assert not breaker.is_open(0.0)
    fail(breaker, 1)
    assert breaker.is_open(0.0)
    assert breaker.needs_probe
    assert not breaker.is_open(FIRST_PAUSE_S)
    breaker.answered()
    assert not breaker.needs_probe
    assert not breaker.is_open(0.0)


def test_trouble_between_answers_changes_nothing():
    breaker = proven()
    for _ in range(10):
        fail(breaker, TROUBLE_IN_A_ROW - 1)
        breaker.answered()
    assert not breaker.is_open(0.0)
    assert not breaker.needs_probe


def test_pauses_double_up_to_a_bound():
    breaker = proven()
    fail(breaker, TROUBLE_IN_A_ROW)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.pause_left_s(0.0))
        fail(breaker, 1)
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_endpoint_counts_as_gone_sooner_if_it_never_answered():
    for breaker, patience_s in ((Breaker(), PATIENCE_UNPROVEN_S), (proven(), PATIENCE_PROVEN_S)):
        fail(breaker, 1, now_s=0.0, reached=False)
        fail(breaker, 1, now_s=patience_s, reached=False)
        assert breaker.gone is None
        fail(breaker, 1, now_s=patience_s + 0.1, reached=False)
        assert breaker.gone == 6


def test_refusal_is_tried_again_with_one_call_after_a_pause():
    breaker = proven()
    breaker.refused(0.0, code="quota", reason="used up")
    assert (breaker.gone, breaker.needs_probe) == (5, True)
    assert breaker.is_open(REFUSED_PAUSE_S - 1)
    assert not breaker.is_open(REFUSED_PAUSE_S)
    breaker.answered()
    assert breaker.gone is None
