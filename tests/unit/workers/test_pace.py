import pytest

from workers.pace import OVER_S, Pace


def paced(*looks):
    pace = Pace()
    for now_s, n_ended in looks:
        pace.saw(now_s, n_ended)
    return pace


def test_pace_is_that_of_the_last_quarter_of_an_hour():
    pace = paced((0, 0), (100, 5000), (OVER_S + 50, 5000), (OVER_S + 100, 5080))

    assert pace.per_s == pytest.approx(80 / OVER_S)


@pytest.mark.parametrize(
    ("looks", "still_s"),
    [
        pytest.param([(0, 0)], 0, id="first look"),
        pytest.param([(0, 0), (700, 0)], 700, id="nothing ever"),
        pytest.param([(0, 0), (10, 5), (700, 5)], 690, id="stopped"),
        pytest.param([(0, 0), (10, 5), (700, 6)], 0, id="goes on"),
    ],
)
def test_stillness_counts_from_the_last_request_that_ended(looks, still_s):
    assert paced(*looks).still_s == still_s


@pytest.mark.parametrize(
    ("looks", "pending", "left_s", "late_s"),
    [
        pytest.param([(0, 0), (100, 100)], 500, 600, -100, id="in time"),
        pytest.param([(0, 0), (100, 100)], 900, 600, 300, id="late"),
        pytest.param([(0, 0), (100, 100)], 0, 5, -5, id="done before a near deadline"),
        pytest.param([(0, 7)], 900, 5000, -4100, id="no pace, time enough"),
        pytest.param([(0, 7), (100, 7)], 900, 600, 300, id="no pace, last quarter of an hour"),
    ],
)
def test_lateness_is_the_rest_at_this_pace_against_the_time_left(looks, pending, left_s, late_s):
    assert paced(*looks).late_s(pending, left_s) == pytest.approx(late_s)
