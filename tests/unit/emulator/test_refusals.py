import pytest

from emulator.config import EmulatorConfig
from emulator.quota import Refused
from emulator.wire.refusals import rate_limited, unknown_path

OVERSIZED = Refused("tokens", float("inf"), 100, 0, 210)
BUSY = Refused("tokens", 1.2, 30_000, 29_900, 500)


@pytest.mark.parametrize("profile", ["azure_v1", "azure"])
def test_request_larger_than_an_azure_minute_is_told_to_come_back_in_a_day(profile):
    refusal = rate_limited(EmulatorConfig(profile=profile), "east", "gpt-4.1", OVERSIZED)

    assert (refusal.status, refusal.wait_s, refusal.error["code"]) == (429, 86_400, "429")
    assert "retry after 86400 seconds" in refusal.error["message"]


def test_request_larger_than_an_openai_minute_gets_no_hint():
    refusal = rate_limited(EmulatorConfig(), "gpt-4.1", "gpt-4.1", OVERSIZED)

    assert refusal.wait_s is None
    assert refusal.error["message"].startswith("Request too large for gpt-4.1")
    assert "Limit 100, Requested 210" in refusal.error["message"]


def test_rate_limit_names_limit_used_requested_and_the_wait():
    refusal = rate_limited(EmulatorConfig(), "gpt-4.1", "gpt-4.1", BUSY)

    assert "Limit 30000, Used 29900, Requested 500. Please try again in 1.2s." in refusal.error["message"]
    assert (refusal.error["type"], refusal.error["code"]) == ("tokens", "rate_limit_exceeded")


def test_unknown_path_answers_in_the_words_of_the_profile():
    assert unknown_path(EmulatorConfig(), "POST", "/v1/x").error["message"] == "Invalid URL (POST /v1/x)"
    assert unknown_path(EmulatorConfig(profile="azure"), "POST", "/x").error["code"] == "404"
