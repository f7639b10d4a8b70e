from datetime import UTC, datetime

import pytest

from providers.rate_hints import NO_HINTS, RateHints, duration_s, rate_hints, retry_after_s

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17ms", 0.017), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("2d", 172800.0), ("33", 33.0), ("0", 0.0),
        ("0.5", 0.5), ("1.5s", 1.5), (" 8S ", 8.0), ("-1", None), ("", None), ("soon", None), ("6m x", None),
        ("nan", None), ("1e3", None),
    ],
)  # fmt: skip
def test_duration_is_read_in_both_forms(text, seconds):
    assert duration_s(text) == pytest.approx(seconds)


def six(*values: str) -> dict[str, str]:
    names = [f"x-ratelimit-{what}-{of}" for of in ("requests", "tokens") for what in ("limit", "remaining", "reset")]
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            six("60", "59", "1s", "9000", "8990", "6m0s"), RateHints(60, 59, 1.0, 9000, 8990, 360.0), id="openai"
        ),
        pytest.param(
            six("60", "0", "10", "9000", "0", "55"), RateHints(60, 0, 10.0, 9000, 0, 55.0), id="azure-numbers"
        ),
        pytest.param(six("0", "-1", "0", "-1", "-1", "x"), RateHints(reset_requests_s=0.0), id="unknown"),
        pytest.param({"x-ratelimit-remaining-tokens": "7"}, RateHints(remaining_tokens=7), id="one"),
        pytest.param({"x-ratelimit-remaining-requests": "9" * 400}, NO_HINTS, id="beyond-numbers"),
        pytest.param({"x-request-id": "1"}, NO_HINTS, id="none"),
    ],
)
def test_quota_headers_are_read(headers, expected):
    assert rate_hints(headers) == expected


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        pytest.param({"retry-after-ms": "250", "retry-after": "9"}, "", 0.25, id="ms-first"),
        pytest.param({"x-ms-retry-after-ms": "1000"}, "", 1.0, id="azure-ms"),
        pytest.param({"retry-after": "33"}, "", 33.0, id="seconds"),
        pytest.param({"retry-after": "0.7"}, "", 0.7, id="float"),
        pytest.param({"retry-after": "0"}, "retry after 5 seconds", 0.0, id="zero-is-an-answer"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, "", 30.0, id="date"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 11:59:00 GMT"}, "", 0.0, id="date-past"),
        pytest.param({"retry-after": "Sun, 22 Nov 2026 12:00:30"}, "", 30.0, id="date-without-zone"),
        pytest.param({"retry-after": "later"}, "", None, id="nonsense"),
        pytest.param({"retry-after-ms": "-1", "retry-after": "2"}, "", 2.0, id="negative-ms"),
        pytest.param({"x-rate-limit-reset-tokens": "55"}, "", 55.0, id="lone-reset"),
        pytest.param({}, "Please retry after 33 seconds. To raise it", 33.0, id="azure-words"),
        pytest.param({}, "Please try again in 1.2s. Visit", 1.2, id="openai-words"),
        pytest.param({}, "Please try again in 6m0s.", 360.0, id="openai-words-duration"),
        pytest.param({}, "Slow down.", None, id="no-hint"),
    ],
)
def test_waiting_time_is_found_wherever_the_service_puts_it(headers, message, seconds):
    assert retry_after_s(headers, message, now=NOW) == pytest.approx(seconds)
