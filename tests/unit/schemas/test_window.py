"""Windows of the night: clock changes, overlaps, and what holds for any zone and moment."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.window import Window, clock_time, end_of_night, in_night, moment, night_of, zone

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC"]
clocks = st.builds(lambda h, m: f"{h:02d}:{m:02d}", st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
moments = st.integers(0, 4 * 366 * 86400).map(lambda s: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(clocks)
    return Window(start=start, end=draw(clocks.filter(lambda t: t != start)), timezone=draw(st.sampled_from(ZONES)))


@given(windows(), moments)
def test_window_that_is_open_contains_the_moment_and_any_other_does_not(window, now):
    found = window.current(now)

    day = now.astimezone(zone(window.timezone)).date()
    nights = [window.on(day + timedelta(days=d)) for d in (-2, -1, 0, 1)]
    assert [n for n in nights if n is not None and n.opens <= now < n.closes] == ([] if found is None else [found])


@given(windows(), moments)
def test_next_window_opens_later_with_none_between(window, now):
    following = window.next_after(now)

    assert now < following.opens < following.closes
    assert following.opens - now <= timedelta(hours=50)
    assert window.current(following.opens) == following
    assert window.current(following.opens - timedelta(microseconds=1)) in (None, window.current(now))


@given(windows(), st.dates(date(2024, 1, 1), date(2028, 1, 1)))
def test_windows_of_two_nights_never_overlap(window, day):
    tonight, tomorrow = window.on(day), window.on(day + timedelta(days=1))

    assert tonight is None or tomorrow is None or tonight.closes <= tomorrow.opens


@given(windows(), st.dates(date(2024, 1, 1), date(2028, 1, 1)))
def test_window_opens_at_its_local_time_or_right_after_a_gap(window, day):
    opens = moment(day, clock_time(window.start), zone(window.timezone)).astimezone(zone(window.timezone))

    late = datetime.combine(opens.date(), opens.time()) - datetime.combine(day, clock_time(window.start))
    assert timedelta(0) <= late <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "day", "opens", "closes"),
    [
        pytest.param(
            "22:00-06:30", date(2026, 3, 7), "2026-03-08T03:00", "2026-03-08T10:30", id="spring: an hour less"
        ),
        pytest.param("22:00-06:30", date(2026, 10, 31), "2026-11-01T02:00", "2026-11-01T11:30", id="autumn: one more"),
        pytest.param("02:30-06:00", date(2026, 3, 8), "2026-03-08T07:00", "2026-03-08T10:00", id="opens in the gap"),
        pytest.param("22:00-02:30", date(2026, 3, 7), "2026-03-08T03:00", "2026-03-08T07:00", id="ends in the gap"),
        pytest.param("22:00-01:30", date(2026, 10, 31), "2026-11-01T02:00", "2026-11-01T05:30", id="ends at the first"),
        pytest.param("01:30-06:00", date(2026, 11, 1), "2026-11-01T05:30", "2026-11-01T11:00", id="opens at the first"),
    ],
)
def test_window_on_a_night_when_clocks_change(text, day, opens, closes):
    found = Window.parsed(text, "America/New_York").on(day)

    assert found is not None
    assert [f"{m:%Y-%m-%dT%H:%M}" for m in found] == [opens, closes]


def test_window_inside_the_gap_is_left_out_that_night():
    window = Window.parsed("02:10-02:50", "America/New_York")

    assert window.on(date(2026, 3, 8)) is None
    assert window.next_after(datetime(2026, 3, 7, 12, tzinfo=UTC)).opens == datetime(2026, 3, 9, 6, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["22:00", "25:00-06:00", "22:00-22:00", "", "22-6", "22:00-06:30-07:00"])
def test_window_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"write|length|needs"):
        Window.parsed(text, "UTC")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/localtime"])
def test_zone_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match="no time zone"):
        Window.parsed("22:00-06:30", name)


def test_night_runs_from_noon_to_noon():
    evening, morning = datetime(2026, 11, 23, 3, tzinfo=UTC), datetime(2026, 11, 23, 11, 30, tzinfo=UTC)

    assert night_of(evening, "America/New_York") == night_of(morning, "America/New_York") == date(2026, 11, 22)
    assert end_of_night(date(2026, 11, 22), "America/New_York") == datetime(2026, 11, 23, 17, tzinfo=UTC)
    assert in_night(date(2026, 11, 22), clock_time("06:30"), "America/New_York") == morning
    assert in_night(date(2026, 11, 22), clock_time("22:00"), "America/New_York") == evening
