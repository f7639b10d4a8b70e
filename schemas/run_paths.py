"""Paths inside a store, relative to its root, with forward slashes. The only place that spells them."""

import re

from schemas.errors import UserInputError

PRIVATE = ".nightpoll"
"""Folder in the store for everything that belongs to no single run."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def checked_run_id(run_id: str) -> str:
    """The run id itself, if it can be a folder name and nothing else.

    Raises:
        UserInputError: it could leave the store or hide in it.
    """
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id:
        raise UserInputError(
            f"{run_id!r} cannot be a run id.",
            hint="Use letters, digits, '.', '_' and '-', at most 100 of them.",
        )
    return run_id


def run_json(run_id: str) -> str:
    """The immutable description of a run; a folder without it is no run."""
    return f"{run_id}/run.json"


def events_dir(run_id: str) -> str:
    """Append-only events, one file each."""
    return f"{run_id}/events"


def respondents(run_id: str) -> str:
    """Respondents with persona fields as codes."""
    return f"{run_id}/respondents.parquet"


def codebook(run_id: str) -> str:
    """Codes, labels, scales, missing codes, question texts."""
    return f"{run_id}/codebook.json"


def plan(run_id: str) -> str:
    """Distinct requests; row groups hold whole shards."""
    return f"{run_id}/plan.parquet"


def tasks(run_id: str) -> str:
    """One row per task."""
    return f"{run_id}/tasks.parquet"


def journal_dir(run_id: str) -> str:
    """Intents and answers of units that have not landed."""
    return f"{run_id}/journal"


def journal(run_id: str, unit: str, holder: str) -> str:
    """One holder's journal of one unit."""
    return f"{run_id}/journal/{unit}.{holder}.jsonl"


def journal_segment(run_id: str, unit: str, holder: str, number: int) -> str:
    """A piece of a holder's journal on an object store; pieces count from 1."""
    return f"{run_id}/journal/{unit}.{holder}-{number:06d}.jsonl"


def holder_of_journal(name: str) -> str:
    """What all pieces of one holder's journal of one unit have in common."""
    return _SEGMENT.sub("", name)


def unit_of_journal(name: str) -> str:
    """Unit of a journal's file name."""
    return name.rsplit(".", 2)[0]


_SEGMENT = re.compile(r"(-\d{6,})?\.jsonl$")


def responses_dir(run_id: str) -> str:
    """Landed parts."""
    return f"{run_id}/responses"


def part(run_id: str, unit: str) -> str:
    """The part of one unit."""
    return f"{run_id}/responses/part-{unit}.parquet"


def batches_dir(run_id: str) -> str:
    """Ledgers, rounds and input files of batches."""
    return f"{run_id}/batches"


def batch_ledger(run_id: str, number: int) -> str:
    """Ledger of one batch."""
    return f"{run_id}/batches/{number:06d}.json"


def batch_file(run_id: str, name: str) -> str:
    """Any other file about batches: rounds, input lines, results on their way into a part."""
    return f"{run_id}/batches/{name}"


def predictions(run_id: str) -> str:
    """The result: exactly one row per task."""
    return f"{run_id}/predictions.parquet"


def evaluation(run_id: str, name: str) -> str:
    """A file of the evaluation."""
    return f"{run_id}/evaluation/{name}"


def shard_unit(shard: int, generation: int = 0) -> str:
    """Name of the unit that a shard lands as; later generations carry their number."""
    return f"s{shard:06d}" + (f".g{generation}" if generation else "")


def batch_unit(number: int) -> str:
    """Name of the unit that a batch lands as."""
    return f"b{number:06d}"


REUSED_UNIT = "reused"
"""Unit that holds answers copied from earlier runs when a run opens."""

_UNIT = re.compile(r"s(\d{6,})(?:\.g(\d+))?")


def shard_of_unit(unit: str) -> tuple[int, int] | None:
    """(shard, generation) of a shard's unit name, None for any other unit."""
    match = _UNIT.fullmatch(unit)
    return (int(match[1]), int(match[2] or 0)) if match else None


def unit_of_part(name: str) -> str | None:
    """Unit of a part's file name, None if the file is not a part."""
    if name.startswith("part-") and name.endswith(".parquet"):
        return name[len("part-") : -len(".parquet")]
    return None
