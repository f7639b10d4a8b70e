"""Answers of turns whose request goes on: `batches/<n>.turns`, in the line form of a journal.

Such an answer has no row in a part: the row comes with the last turn and holds the sums. The file is written before the
list of what is asked next, so that whoever packs the next turn finds the answers that it follows.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas import run_paths
from schemas.batches import BatchLedger
from schemas.identity import call_id
from storage.parts import open_table
from storage.store import Store
from workers.calls.requests import PlannedRequest, planned_request
from workers.calls.turns import text_of
from workers.shards.landing import Answer

Records = Mapping[str, Mapping[str, Any]]
"""Call id -> answer, as in a journal."""
PRIVATE_MODE = 0o600
_BATCH_HOLDER = "batch"
_COLUMNS = ["request_id", "turns", "parameters", "prompt_tokens", "completion_tokens", "max_tokens", "shard"]


def turns_file(number: int) -> str:
    """Where a batch leaves the answers whose requests go on."""
    return f"{number:06d}.turns"


def write_turns(store: Store, rel: str, records: Records) -> None:
    """Write answers whole, in place of earlier ones."""
    with store.writing(rel) as scratch:
        scratch.touch(mode=PRIVATE_MODE)
        with scratch.open("w", encoding="ascii") as out:
            for call, record in records.items():
                out.write(json.dumps({"k": "a", "c": call, "r": record, "more": 1}, ensure_ascii=True) + "\n")


def read_turns(store: Store, run_id: str, ledgers: Iterable[BatchLedger]) -> dict[str, dict[str, Any]]:
    """What these batches left; a batch without such a file left nothing."""
    found: dict[str, dict[str, Any]] = {}
    for ledger in ledgers:
        rel = run_paths.batch_file(run_id, turns_file(ledger.number))
        if store.exists(rel):
            for line in store.read_bytes(rel).splitlines():
                entry = json.loads(line)
                found.setdefault(entry["c"], entry["r"])
    return found


def texts_of(records: Records, request_id: str) -> list[str]:
    """Answers of the leading turns of a request, in order."""
    texts: list[str] = []
    while (call := call_id(request_id, len(texts))) in records:
        texts.append(text_of(Answer.from_record(records[call])))
    return texts


def requests_with_turns(
    store: Store, run_id: str, shards: Sequence[int], wanted: Collection[str]
) -> dict[str, PlannedRequest]:
    """Those of the wanted requests that have several turns, from the plan."""
    found, mine = {}, pa.array(shards, pa.int32())
    with open_table(store, run_paths.plan(run_id)) as file:
        for batch in file.iter_batches(batch_size=2048, columns=_COLUMNS):
            rows = pa.Table.from_batches([batch])
            for row in rows.filter(pc.is_in(rows["shard"], mine)).to_pylist():
                if row["request_id"] in wanted:
                    request = planned_request(row)
                    if request.turns is not None:
                        found[request.request_id] = request
    return found


def give_turns(store: Store, run_id: str, generation: int, shard_of: Mapping[str, int], records: Records) -> float:
    """Put what is known of requests into the journals of the shards that ask on; returns what it cost.

    The journals are removed with all others of a shard when its part lands.

    Args:
        store: with the run.
        run_id: of it.
        generation: of the line.
        shard_of: request id -> shard, of the requests that are handed over.
        records: of the line.
    """
    given: dict[int, dict[str, Mapping[str, Any]]] = {}
    for call, record in records.items():
        shard = shard_of.get(call.rpartition(".")[0])
        if shard is not None:
            given.setdefault(shard, {})[call] = record
    store.path(run_paths.journal_dir(run_id)).mkdir(parents=True, exist_ok=True)
    for shard, mine in given.items():
        unit = run_paths.shard_unit(shard, generation)
        write_turns(store, run_paths.journal(run_id, unit, _BATCH_HOLDER), mine)
    return sum(float(record["cost_usd"]) for mine in given.values() for record in mine.values())
