"""When batches are given up for a deadline."""

from datetime import datetime

from producer.planning.estimate import Load, time_s
from schemas.deadline import deadline_at
from schemas.run import RunManifest
from schemas.settings import Settings
from workers.batch.rounds import Line, Standing
from workers.batch.schedule import rescue_at


def deadline_of(line: Line, manifest: RunManifest) -> datetime | None:
    """The moment by which a line's answers are needed; None if nobody said so."""
    return None if line.arm.deadline is None else deadline_at(line.arm.deadline, manifest.created_at)


def is_time_to_rescue(line: Line, at: Standing, manifest: RunManifest, settings: Settings, now: datetime) -> bool:
    """What is left takes so long online that it must begin now."""
    deadline = deadline_of(line, manifest)
    if deadline is None or not line.model.deployments:
        return False
    return now >= rescue_at(deadline, _online_s(line, at), settings.rescue_margin_s)


def _online_s(line: Line, at: Standing) -> float:
    """Seconds that everything without a result file would take online; as if each answer were as long as it may be.

    Every turn is counted for every request: a later one holds the answers of those before.
    """
    open_files = [ledger.file for ledger in at.ledgers if not ledger.is_over]
    load = Load(
        n_requests=line.n_turns * sum(file.n_lines for file in open_files),
        prompt_tokens=line.n_turns * sum(file.n_tokens for file in open_files),
        expected_tokens=line.n_turns * sum(file.n_max_tokens - file.n_tokens for file in open_files),
        max_tokens=line.n_turns * sum(file.n_max_tokens for file in open_files),
    )
    return time_s({line.name: line.model}, {line.name: load})
