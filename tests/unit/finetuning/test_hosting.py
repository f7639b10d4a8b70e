"""What hosting costs and when it ends by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from finetuning.deployments.hosting import hosting_usd, hourly_usd, is_deployed, own_ends
from schemas.tuning import DeployedAt

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def deployed(
    *, hours: float, ended: float | None = None, usd: float | None = 1.70, sku: str = "Standard"
) -> DeployedAt:
    until = None if ended is None else NOW - ended * HOUR
    return DeployedAt(name="d", sku=sku, capacity=1, since=NOW - hours * HOUR, until=until, usd_per_hour=usd)


@pytest.mark.parametrize(
    ("deployment", "usd", "hourly"),
    [
        (deployed(hours=10), 17.0, 1.70),
        (deployed(hours=10, ended=4), 10.2, 0.0),
        (deployed(hours=10, usd=None), 0.0, 0.0),
        (deployed(hours=10, usd=0.0), 0.0, 0.0),
        (deployed(hours=100, usd=1.0, sku="DeveloperTier"), 24.0, 0.0),
        (deployed(hours=10, usd=1.0, sku="DeveloperTier"), 10.0, 1.0),
    ],
)
def test_hours_while_deployed_are_counted_used_or_not(deployment: DeployedAt, usd: float, hourly: float) -> None:
    assert hosting_usd([deployment], now=NOW) == pytest.approx(usd)
    assert hourly_usd([deployment], now=NOW) == hourly


def test_hours_over_the_turn_of_a_month_are_split_without_loss() -> None:
    ours, first = deployed(hours=24 * 30, ended=1, usd=1.0), datetime(2026, 11, 1, tzinfo=UTC)

    october = hosting_usd([ours], now=NOW, end=first)
    november = hosting_usd([ours], now=NOW, begin=first)

    assert november == pytest.approx((NOW - HOUR - first) / HOUR)
    assert october + november == pytest.approx(24 * 30 - 1)
    assert hosting_usd([ours], now=NOW, begin=NOW + HOUR) == 0.0


@pytest.mark.parametrize(
    ("deployment", "idle_days", "said"),
    [
        (deployed(hours=24 * 9), None, None),
        (deployed(hours=24 * 11), None, "about to be deleted"),
        (deployed(hours=24 * 16), None, "probably been deleted"),
        (deployed(hours=24 * 40), 3, None),
        (deployed(hours=24 * 40), 20, "probably been deleted"),
        (deployed(hours=24 * 40, ended=1), None, None),
        (deployed(hours=5, sku="DeveloperTier"), 0, "is removed 24 hours after"),
        (deployed(hours=25, sku="DeveloperTier"), 0, "was removed 24 hours after"),
    ],
)
def test_own_end_is_told_in_time(deployment: DeployedAt, idle_days: int | None, said: str | None) -> None:
    last_call = None if idle_days is None else NOW - timedelta(days=idle_days)

    told = own_ends([deployment], last_call=last_call, now=NOW)

    assert len(told) == (said is not None)
    assert said is None or said in told[0]


def test_developer_tier_is_gone_after_a_day() -> None:
    assert is_deployed(deployed(hours=23, sku="DeveloperTier"), NOW)
    assert not is_deployed(deployed(hours=24, sku="DeveloperTier"), NOW)
