"""How a batch ends on our side: harvested, abandoned before it was made, or halved; and what is tidied up then."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from producer.batch.files import halve_batch_file
from providers.batch_lines import sent_ids
from providers.prices import price_of
from schemas import run_paths
from schemas.batches import BatchLedger
from schemas.errors import ModelError, RejectedRequestError
from workers import metrics
from workers.batch.asks import again_file, read_asks, round_file, write_asks
from workers.batch.create import whole_failure
from workers.batch.harvest import Harvest
from workers.batch.ledger import now
from workers.batch.turn import Turn, as_batch_file, as_input_file
from workers.batch.turns import read_turns, requests_with_turns
from workers.calls.requests import PlannedRequest

log = logging.getLogger(__name__)

TIDY_TRIES = 3


async def harvest(turn: Turn, index: int, shards: Sequence[int]) -> str | None:
    """Download what there is and land it; returns why the model should be asked no more, if a line said so.

    Args:
        turn: in state ended.
        index: place of its model among those of the run that are asked in batches.
        shards: of its model, if requests may have several turns; else none.
    """
    files = await _downloaded(turn)
    requests, known = await asyncio.to_thread(_of_turns, turn, shards) if shards else ({}, {})
    work = Harvest(
        ledger=turn.ledger,
        model=turn.model,
        price=price_of(turn.model),
        files=files,
        tried=tries_before(turn, index),
        at=now().isoformat(),
        whole=whole_failure(turn.ledger),
        requests=requests,
        known=known,
    )
    tally = await asyncio.to_thread(work.land, turn.desk.store, turn.input_path)
    if work.is_first:  # done again after a crash, or by another worker: it was counted by who landed it
        metrics.harvested(work.counts)
    turn.write(state="harvested", tally=tally, cost_usd=work.cost_usd, turns_usd=work.turns_usd)
    return tally.stop_message


def _of_turns(turn: Turn, shards: Sequence[int]) -> tuple[dict[str, PlannedRequest], dict[str, dict[str, Any]]]:
    """The batch's requests of several turns, and answers of earlier turns in its generation."""
    store, ledger = turn.desk.store, turn.ledger
    sent = {custom_id.rpartition(".")[0] for custom_id in sent_ids(turn.input_path)}
    earlier = [b for b in turn.desk.shelf.ledgers() if (b.model, b.generation) == (ledger.model, ledger.generation)]
    return requests_with_turns(store, ledger.run_id, shards, sent), read_turns(store, ledger.run_id, earlier)


async def _downloaded(turn: Turn) -> list[Path]:
    seen = turn.ledger.seen
    ids = [] if seen is None else [("out", seen.output_file_id), ("err", seen.error_file_id)]
    files = []
    for kind, file_id in ids:
        if file_id is None:
            continue
        path = turn.path(result_name(turn.ledger, kind))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        client = await turn.client()
        try:
            await client.download(file_id, path)
        except RejectedRequestError as error:
            if error.code != "not_found":
                raise
            log.error("a result file is gone", extra={"event": "batch_file_gone", "batch": turn.ledger.number})
            continue
        files.append(path)
    return files


def tries_before(turn: Turn, index: int) -> dict[str, int]:
    """Request id -> batches it was tried in before this round; only those with any."""
    name = round_file(index, turn.ledger.generation, turn.ledger.round)
    return {request: tries for request, tries in read_asks(turn.desk.store, turn.desk.run_id, name).items() if tries}


async def abandon(turn: Turn, index: int) -> None:
    """Give a batch up before it was made; all its requests stay to be asked."""
    await asyncio.to_thread(_leave_all, turn, index)
    await turn.give_back()
    turn.write(state="abandoned", reason="given up before it was made")


def _leave_all(turn: Turn, index: int) -> None:
    tried = tries_before(turn, index)
    requests = (custom_id.rpartition(".")[0] for custom_id in sent_ids(turn.input_path))
    asks = {request: tried.get(request, 0) for request in requests}
    write_asks(turn.desk.store, turn.desk.run_id, again_file(turn.ledger.number), asks)


async def halve(turn: Turn) -> None:
    """Two batches in the place of one that no queue takes. Numbers are noted first, so that it can be done again."""
    if turn.ledger.state != "halving":
        number = turn.desk.shelf.next_number(turn.desk.shelf.ledgers())
        turn.write(state="halving", children=[number, number + 1])
    await asyncio.to_thread(_write_halves, turn)
    turn.write(state="halved", reason="no queue took the whole")


def _write_halves(turn: Turn) -> None:
    ledger, shelf = turn.ledger, turn.desk.shelf
    known = {each.number for each in shelf.ledgers()}
    whole = as_batch_file(ledger.file, turn.input_path)
    halves = halve_batch_file(whole, turn.input_path.parent, prefix=f"{ledger.number:06d}h")
    for half in halves:
        turn.keep(half.path.name)
    for number, half in zip(ledger.children, halves, strict=True):
        if number not in known:
            shelf.write(
                BatchLedger(
                    number=number, run_id=ledger.run_id, model=ledger.model, generation=ledger.generation,
                    round=ledger.round, parent=ledger.number, at=now(), key=ledger.key,
                    file=as_input_file(half), deployment=ledger.deployment,
                )
            )  # fmt: skip


async def tidy(turn: Turn) -> None:
    """Give money back, delete our input at the service and what lies on our disk; then the batch is closed."""
    await turn.give_back(turn.ledger.cost_usd)
    try:
        await _delete_uploads(turn)
    except ModelError as error:
        if turn.ledger.n_tries < TIDY_TRIES:
            raise
        log.warning("an input file stays at the service", extra={"event": "batch_input_left", "code": error.code})
    for name in (turn.ledger.file.name, result_name(turn.ledger, "out"), result_name(turn.ledger, "err")):
        turn.desk.store.remove(run_paths.batch_file(turn.desk.run_id, name))
    turn.write(state="closed", end=turn.ledger.state)


async def _delete_uploads(turn: Turn) -> None:
    ledger = turn.ledger
    if not ledger.upload_names:
        return
    if ledger.file_id is not None:
        await (await turn.client()).delete_file(ledger.file_id)
    if len(ledger.upload_names) > 1 or ledger.file_id is None:  # an upload of which no answer came may be there
        client = await turn.client()
        async for file in client.files():
            if file.filename in ledger.upload_names:
                await client.delete_file(file.id)


def result_name(ledger: BatchLedger, kind: str) -> str:
    """Where a result file lies until it is harvested."""
    return f"{ledger.number:06d}.{kind}.jsonl"
