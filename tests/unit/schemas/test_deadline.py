from datetime import UTC, datetime, time

import pytest

from schemas.deadline import check_deadline, deadline_at, told_deadline

EVENING = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)


def test_time_of_day_is_the_first_such_moment_after_the_run_was_made():
    assert deadline_at("06:30 America/New_York", EVENING) == datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    assert deadline_at("17:30 America/New_York", EVENING) == datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert deadline_at("17:00 America/New_York", EVENING) == datetime(2026, 11, 23, 22, 0, tzinfo=UTC)


def test_time_of_day_in_a_night_that_changes_the_clocks_keeps_the_zones_own_time():
    before = datetime(2026, 10, 31, 22, 0, tzinfo=UTC)

    assert deadline_at("06:30 America/New_York", before) == datetime(2026, 11, 1, 11, 30, tzinfo=UTC)


def test_moment_with_an_offset_is_that_moment():
    assert deadline_at("2026-12-01T06:30:00-05:00", EVENING) == datetime(2026, 12, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["06:30", "25:00 UTC", "06:30 Mars/Base", "2026-12-01T06:30:00", "soon", "06:30 ../etc"]
)
def test_anything_else_is_refused_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match="write `06:30 America/New_York`"):
        check_deadline(text)


@pytest.mark.parametrize(
    ("text", "moment", "daily"),
    [
        ("06:30", "2026-11-23T05:30", (time(6, 30), "Europe/Berlin")),
        ("06:30 America/New_York", "2026-11-23T11:30", (time(6, 30), "America/New_York")),
        ("8h", "2026-11-23T06:00", None),
        ("90 min", "2026-11-22T23:30", None),
        ("1.5d", "2026-11-24T10:00", None),
        ("2026-12-01T06:30", "2026-12-01T05:30", None),
        ("2026-12-01T06:30:00-05:00", "2026-12-01T11:30", None),
    ],
)
def test_commands_understand_times_spans_and_moments_in_the_zone_they_are_given(text, moment, daily):
    told = told_deadline(text, timezone="Europe/Berlin", now=EVENING)

    assert told.moment == datetime.fromisoformat(f"{moment}+00:00")
    assert told.daily == daily


@pytest.mark.parametrize("text", ["banana", "25:00", "06:30 Mars/Base", "8 weeks", "", "9e9h", "99999999999d"])
def test_commands_refuse_anything_else_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match="write 06:30"):
        told_deadline(text, timezone="UTC", now=EVENING)
