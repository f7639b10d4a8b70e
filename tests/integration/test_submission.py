"""Who may submit a job, when a job is free again, and what a refused file leaves behind. Real emulator, real HTTP."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from finetuning.jobs.submit import HELD_HERE_S, Submission, TrainingFiles
from providers.batch_objects import RemoteFile
from providers.tuning_client import open_tuning_client
from schemas.errors import ModelError, RunInUseError, ServiceRefusedError, TransientModelError
from schemas.models import Model
from schemas.tuning import HELD_S, TuningLedger
from storage.store import Store, open_store
from storage.tuning_records import change_ledger, load_ledger
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tunings import FAST, jsonl, training_lines

NOW = datetime.now(UTC)
ELSEWHERE = "another-machine:1"


@pytest.fixture(scope="module")
def emulator() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "runs"))


def begun(emulator: TestEmulator, *, usd: float = 5.0, url: str | None = None) -> TuningLedger:
    served = {"name": "d", "base_url": emulator.base_url if url is None else url, "auth": "none", "rpm": 60}
    entry = {"provider": "openai", "model": "gpt-4.1-mini", "deployments": [served]}
    entry |= {"tuning": {"usd_per_million_tokens": usd}}
    return TuningLedger(
        key="job", entry_name="mini", entry=Model.model_validate(entry), model="gpt-4.1-mini", created_at=NOW
    )


async def submitted(store: Store, ledger: TuningLedger, folder: Path) -> TuningLedger:
    path = folder / "training.jsonl"
    path.write_bytes(jsonl(training_lines(12)))
    client = open_tuning_client(ledger.entry, ledger.entry.deployments[0], environ={})
    try:
        return await Submission(store, client, TrainingFiles(path), pause=shortly).run(ledger)
    finally:
        await client.close()


async def shortly(_: float) -> None:
    await asyncio.sleep(0.02)


def hold(store: Store, ledger: TuningLedger, holder: str, *, ago_s: float) -> None:
    held = ledger.model_copy(update={"holder": holder, "held_at": datetime.now(UTC) - timedelta(seconds=ago_s)})
    change_ledger(store, ledger.key, lambda _: held)


def here(pid: int) -> str:
    return f"{os.uname().nodename}:{pid}"


def kept(store: Store) -> TuningLedger:
    found = load_ledger(store, "job")
    assert found is not None
    return found


async def test_job_that_another_machine_held_too_long_is_free(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    hold(store, begun(emulator), ELSEWHERE, ago_s=HELD_S + 1)

    assert (await submitted(store, begun(emulator), tmp_path)).job_id is not None


async def test_job_that_another_machine_holds_is_left_alone_and_says_when_it_is_free(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    hold(store, begun(emulator), ELSEWHERE, ago_s=HELD_S - 60)

    with pytest.raises(RunInUseError, match=ELSEWHERE) as e:
        await submitted(store, begun(emulator), tmp_path)

    assert f"{HELD_S / 60:.0f} minutes" in e.value.hint
    assert kept(store).holder == ELSEWHERE


async def test_job_of_a_process_that_died_here_is_free_at_once_and_that_of_a_living_one_is_not(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    hold(store, begun(emulator), here(os.getppid()), ago_s=2 * HELD_S)
    with pytest.raises(RunInUseError):
        await submitted(store, begun(emulator), tmp_path)

    hold(store, begun(emulator), here(dead.pid), ago_s=1)

    assert (await submitted(store, begun(emulator), tmp_path)).holder is None


async def test_failure_frees_the_job_for_whoever_comes_next(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    with pytest.raises(ModelError):
        await submitted(store, begun(emulator, url="http://127.0.0.1:9/v1"), tmp_path)

    assert kept(store).holder is None
    assert (await submitted(store, begun(emulator), tmp_path)).job_id is not None


async def test_job_goes_on_with_the_entry_of_today(store: Store, emulator: TestEmulator, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        await submitted(store, begun(emulator, usd=3.0, url="http://127.0.0.1:9/v1"), tmp_path)

    tuning = (await submitted(store, begun(emulator, usd=7.0), tmp_path)).entry.tuning

    assert tuning is not None
    assert tuning.usd_per_million_tokens == 7.0
    assert kept(store).entry.deployments[0].base_url == emulator.base_url


async def test_file_that_the_service_could_not_process_is_uploaded_anew(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    before = emulator.batches()["uploads"]
    emulator.set_batch_faults(file_error=True)
    with pytest.raises(ServiceRefusedError) as e:
        await submitted(store, begun(emulator), tmp_path)
    emulator.set_batch_faults()
    refused = kept(store)

    done = await submitted(store, begun(emulator), tmp_path)

    assert e.value.code == "file_refused"
    assert (refused.training_file, refused.job_id, refused.holder) == (None, None, None)
    assert done.job_id is not None
    assert emulator.batches()["uploads"] - before == 2


async def test_job_whose_holders_number_another_process_got_is_free_after_hours(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    hold(store, begun(emulator), here(os.getppid()), ago_s=HELD_HERE_S + 1)

    assert (await submitted(store, begun(emulator), tmp_path)).job_id is not None


async def test_every_try_of_a_step_tells_that_its_holder_lives(
    store: Store, emulator: TestEmulator, tmp_path: Path
) -> None:
    seen: list[datetime | None] = []
    path = tmp_path / "training.jsonl"
    path.write_bytes(jsonl(training_lines(12)))
    ledger = begun(emulator, url="http://127.0.0.1:9/v1")

    class Away:
        """A service whose uploads get lost, and whose lists hold nothing."""

        async def upload_training(self, *_: object, **__: object) -> None:
            seen.append(kept(store).held_at)
            raise TransientModelError("lost")

        async def training_files(self) -> AsyncIterator[RemoteFile]:
            for nothing in ():
                yield nothing

    with pytest.raises(TransientModelError):
        await Submission(store, Away(), TrainingFiles(path), pause=shortly).run(ledger)  # type: ignore[arg-type]

    assert len(seen) == len(set(seen)) > 1
