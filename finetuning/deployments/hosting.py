"""What hosting of tuned models costs, and when a service takes a deployment away by itself. Pure.

Source: fine-tuning deployment page of Azure OpenAI, read 2026-11-22: a deployment is deleted after 15 days without a
call, one of the developer tier after 24 hours; hosting is billed by the hour, used or not.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.tuning import DeployedAt, ModelVersion, TuningLedger

DEVELOPER_TIER = "DeveloperTier"
DEVELOPER_LIFE = timedelta(hours=24)
IDLE_LIFE = timedelta(days=15)
WARNED_AHEAD = timedelta(days=5)
"""So long before it would be deleted an idle deployment is warned about."""


def deployed_of(version: ModelVersion, ledger: TuningLedger | None) -> list[DeployedAt]:
    """Deployments that serve or served a version; of its job there may be others, as of checkpoints."""
    names = {each.deployment for each in version.entry.deployments}
    return [] if ledger is None else [d for d in ledger.deployments if d.name in names]


def ends_at(deployment: DeployedAt) -> datetime | None:
    """When it ended, or will end by itself whatever happens; None: nobody knows."""
    if deployment.sku != DEVELOPER_TIER:
        return deployment.until
    own_end = deployment.since + DEVELOPER_LIFE
    return own_end if deployment.until is None else min(own_end, deployment.until)


def is_deployed(deployment: DeployedAt, now: datetime) -> bool:
    """It serves, as far as is known here."""
    end = ends_at(deployment)
    return end is None or end > now


def hosting_usd(
    deployments: Iterable[DeployedAt], *, now: datetime, begin: datetime | None = None, end: datetime | None = None
) -> float:
    """US$ of hosting so far: hours at the price that the models file had when it was deployed, and calls of `deploy`.

    Without an hourly price there are none of the first.

    Args:
        deployments: of any jobs.
        now: hours to come are not counted.
        begin: count from here only, as from the first of a month.
        end: count until here only.
    """
    return sum(
        _asked_usd(d, begin, end) + (0.0 if d.usd_per_hour is None else d.usd_per_hour * _hours(d, now, begin, end))
        for d in deployments
    )


def hourly_usd(deployments: Iterable[DeployedAt], *, now: datetime) -> float:
    """US$ an hour that runs on at this moment."""
    return sum(d.usd_per_hour for d in deployments if d.usd_per_hour is not None and is_deployed(d, now))


def own_ends(deployments: Iterable[DeployedAt], *, last_call: datetime | None, now: datetime) -> list[str]:
    """A sentence on each open deployment that the service takes away by itself, or has by now.

    Args:
        deployments: of a version.
        last_call: when a run of the store last asked it; None: never.
        now: aware.
    """
    return [told for d in deployments if d.until is None and (told := _own_end(d, last_call, now)) is not None]


def _own_end(deployment: DeployedAt, last_call: datetime | None, now: datetime) -> str | None:
    if deployment.sku == DEVELOPER_TIER:
        end = deployment.since + DEVELOPER_LIFE
        said = "was removed" if end <= now else "is removed"
        return f"{deployment.name}: the developer tier {said} 24 hours after it began, {end:%Y-%m-%d %H:%M} UTC."
    used = deployment.since if last_call is None else max(deployment.since, last_call)
    idle = now - used
    if idle < IDLE_LIFE - WARNED_AHEAD:
        return None
    told = "has probably been deleted" if idle >= IDLE_LIFE else "is about to be deleted"
    return (
        f"{deployment.name}: no run asked it for {idle.days} days; it {told} (15 days without a call). "
        "The model stays: `nightpoll finetune deploy` brings it back, `finetune undeploy` ends its bill here."
    )


def _asked_usd(d: DeployedAt, begin: datetime | None, end: datetime | None) -> float:
    return sum(call.usd for call in d.asked if (begin is None or call.at >= begin) and (end is None or call.at < end))


def _hours(d: DeployedAt, now: datetime, begin: datetime | None, end: datetime | None) -> float:
    own_end = ends_at(d)
    until = min(moment for moment in (now, end, own_end) if moment is not None)
    since = d.since if begin is None else max(d.since, begin)
    return max(0.0, (until - since) / timedelta(hours=1))
