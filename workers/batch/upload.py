"""The steps of a batch from an input file on our disk to one that the service is ready to use."""

import asyncio

from producer.batch.respell import respell_batch_file
from providers.batch_client import BatchClient
from schemas.errors import ModelError, RejectedRequestError
from schemas.models import BatchDeployment
from workers.batch.create import end_without
from workers.batch.ledger import now
from workers.batch.schedule import backoff
from workers.batch.turn import Turn, as_batch_file, as_input_file, spec_of

MAX_BROKEN_FILES = 5


async def upload(turn: Turn, chosen: BatchDeployment) -> None:
    """Send the input file to the chosen deployment's service."""
    await asyncio.to_thread(_respell, turn, chosen)
    ledger = turn.ledger
    name = f"{turn.desk.run_id}-{ledger.key}-{ledger.number:06d}-{len(ledger.upload_names)}.jsonl"
    turn.write(
        state="uploading", deployment=chosen.name, pool=chosen.pool_name, upload_names=[*ledger.upload_names, name]
    )
    client = await turn.client()
    turn.check_held()
    try:
        file = await client.upload(turn.input_path, filename=name)
    except ModelError as error:
        if not getattr(error, "maybe_paid", False):
            turn.write(state="packed", n_tries=ledger.n_tries, file_id=None)
        raise
    turn.write(state="processed" if file.is_ready else "uploaded", file_id=file.id)


async def find_upload(turn: Turn) -> None:
    """Whether an upload of which no answer came is there; if not, it is sent again under another name."""
    client, name = await turn.client(), turn.ledger.upload_names[-1]
    async for file in client.files():
        if file.filename == name and not file.is_broken:
            turn.write(state="uploaded", file_id=file.id)
            return
    turn.write(state="packed")


async def check_file(turn: Turn) -> None:
    """Whether the service is done with the input file."""
    assert turn.ledger.file_id is not None, "uploaded"
    client = await turn.client()
    try:
        file = await client.file(turn.ledger.file_id)
    except RejectedRequestError as error:
        if error.code != "not_found":
            raise
        turn.write(state="packed", file_id=None, reason=error.what)
        return
    if file.is_ready:
        turn.write(state="processed")
    elif file.is_broken:
        await _replace_broken(turn, client, file.problem)
    else:
        turn.wait(turn.desk.settings.batch_backoff_s)


async def _replace_broken(turn: Turn, client: BatchClient, problem: str | None) -> None:
    assert turn.ledger.file_id is not None, "uploaded"
    await client.delete_file(turn.ledger.file_id)
    reason = "The service could not process the input file." if problem is None else problem
    if len(turn.ledger.upload_names) >= MAX_BROKEN_FILES:
        end_without(turn, "file_error", reason)
        return
    until = backoff(now(), len(turn.ledger.upload_names), turn.desk.settings.batch_backoff_s)
    turn.write(state="packed", file_id=None, reason=reason, wait_until=until)


def _respell(turn: Turn, chosen: BatchDeployment) -> None:
    """The lines name a deployment: another one than they were packed for needs them in its own name."""
    ledger, model = turn.ledger, turn.model
    before = model.batch[0] if ledger.deployment is None else turn.deployment()
    file = as_batch_file(ledger.file, turn.input_path)
    spelled = respell_batch_file(file, spec_of("", model, before), spec_of("", model, chosen))
    if spelled is not file:
        turn.keep(spelled.path.name)
        turn.write(file=as_input_file(spelled), deployment=chosen.name, pool=chosen.pool_name)
