"""A crash at any step of submit and deploy, or an answer that gets lost, never makes a second upload, job or
deployment. Real emulator, real HTTP; the crash is an exception that nothing catches, before or after the call."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finetuning.deployments.deploy import deploy
from finetuning.jobs.submit import Submission, TrainingFiles
from providers.resource_manager import ResourceManager
from providers.tuning_client import TuningClient, open_tuning_client
from schemas.errors import RejectedRequestError, ServiceRefusedError
from schemas.models import Deployment, Model, Tuning
from schemas.tuning import TuningLedger
from storage.store import Store
from storage.tuning_records import load_ledger
from tests.support.emulator import TestEmulator, running_emulator
from tests.support.tunings import ARM, FAST, jsonl, training_lines

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """An object whose named method crashes once, before or after it did its work."""

    def __init__(self, real: Any, name: str, when: str) -> None:
        self._real, self._name, self._when, self._left = real, name, when, 1

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._name:
            return found

        async def crashing(*args: Any, **kwargs: Any) -> Any:
            if self._left and self._when == "before":
                self._left = 0
                raise Crash
            done = await found(*args, **kwargs)
            if self._left:
                self._left = 0
                raise Crash
            return done

        return crashing


@pytest.fixture(scope="module")
def azure() -> Iterator[TestEmulator]:
    with running_emulator(profile="azure_v1", batch_speed=FAST) as running:
        yield running


def entry(running: TestEmulator) -> Model:
    served = Deployment(name="d", base_url=running.base_url, auth="none", rpm=60)
    return Model(provider="azure_v1", model="gpt-4.1-mini", deployments=[served])


def counts(running: TestEmulator) -> tuple[int, int, int]:
    told = running._get("tuning")
    return running.batches()["uploads"], told["created"], told["puts"]


async def no_pause(_: float) -> None:
    return None


def files_in(folder: Path, n: int) -> TrainingFiles:
    """Files of their own for every test, so that none finds another's."""
    for name, lines in (("training", training_lines(n)), ("validation", training_lines(12))):
        (folder / f"{name}.jsonl").write_bytes(jsonl(lines))
    return TrainingFiles(folder / "training.jsonl", folder / "validation.jsonl")


def begun(running: TestEmulator, key: str) -> TuningLedger:
    return TuningLedger(key=key, entry_name="mini", entry=entry(running), model="gpt-4.1-mini", created_at=NOW)


async def client_of(running: TestEmulator) -> TuningClient:
    return open_tuning_client(entry(running), entry(running).deployments[0], environ={})


@pytest.mark.parametrize(("step", "when"), [("put", "before"), ("put", "after"), ("get", "after")])
async def test_deploy_after_a_crash_makes_one_deployment(
    azure: TestEmulator, tmp_path: Path, tuned: TuningLedger, step: str, when: str
) -> None:
    store, name = Store(tmp_path / "s"), f"dep-{step}-{when}"
    tuning = account_of(azure)
    manager, before = ResourceManager(tuning, token="t", tokens=None), counts(azure)
    await _keep(store, tuned)

    async def run(used: Any) -> Any:
        model = str(tuned.tuned_model)
        return await deploy(store, used, tuned, name=name, model=model, tuning=tuning, pause=_real_pause)

    with pytest.raises(Crash):
        await run(Crashing(manager, step, when))
    crashed = load_ledger(store, tuned.key)
    done = await run(manager)
    await manager.close()

    assert crashed is not None
    begun_since = [d.since for d in crashed.deployments if d.begun]
    assert len(begun_since) == (step == "put")  # nothing was asked for when the first look crashed
    assert counts(azure)[2] - before[2] == 1
    assert done.state == "Succeeded"
    kept = load_ledger(store, tuned.key)
    assert kept is not None
    assert [(d.name, d.begun) for d in kept.deployments] == [(name, False)]
    if (step, when) == ("put", "after"):
        assert [d.since for d in kept.deployments] == begun_since  # no hour of hosting is lost


async def test_deployment_that_was_refused_leaves_no_line_to_pay_for(
    azure: TestEmulator, tmp_path: Path, tuned: TuningLedger
) -> None:
    store = Store(tmp_path / "s")
    manager = ResourceManager(account_of(azure), token="t", tokens=None)
    await _keep(store, tuned)

    with pytest.raises(RejectedRequestError):
        await deploy(store, manager, tuned, name="gold", model=str(tuned.tuned_model), pause=_real_pause,
                     tuning=account_of(azure, sku="Gold"))  # fmt: skip
    azure._put("tuning-faults", {"failed_deploy": True})
    with pytest.raises(ServiceRefusedError, match="Failed"):
        await deploy(store, manager, tuned, name="fails", model=str(tuned.tuned_model), pause=_real_pause,
                     tuning=account_of(azure))  # fmt: skip
    azure._put("tuning-faults", {})
    await manager.close()

    kept = load_ledger(store, tuned.key)
    assert kept is not None
    assert kept.deployments == []


async def test_deployment_that_the_service_took_away_is_made_again_and_billed_from_then(
    azure: TestEmulator, tmp_path: Path, tuned: TuningLedger
) -> None:
    store, tuning = Store(tmp_path / "s"), account_of(azure)
    manager, model = ResourceManager(tuning, token="t", tokens=None), str(tuned.tuned_model)
    await _keep(store, tuned)
    told: list[str] = []

    for _ in range(2):
        await deploy(
            store, manager, tuned, name="idle", model=model, tuning=tuning, pause=_real_pause, tell=told.append
        )
        await manager.delete("idle")
        while await manager.get("idle") is not None:
            await _real_pause(0)
    await manager.close()

    kept = load_ledger(store, tuned.key)
    assert kept is not None
    assert [d.until is None for d in kept.deployments] == [False, True]
    assert kept.deployments[0].until is not None
    assert kept.deployments[0].until <= kept.deployments[1].since
    assert told[-1] == "idle: Succeeded"


def account_of(running: TestEmulator, **more: Any) -> Tuning:
    return Tuning(account=ARM.removesuffix("/deployments"), arm_url=running.origin, **more)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["upload_training", "file", "create_job"])
async def test_submit_after_a_crash_makes_nothing_twice(
    azure: TestEmulator, tmp_path: Path, step: str, when: str
) -> None:
    store, files, ledger = Store(tmp_path / "s"), files_in(tmp_path, 12), begun(azure, f"crash-{step}-{when}")
    before, client = counts(azure), await client_of(azure)

    with pytest.raises(Crash):
        await Submission(store, Crashing(client, step, when), files, pause=no_pause).run(ledger)
    done = await Submission(store, client, files, pause=_real_pause).run(ledger)
    again = await Submission(store, client, files, pause=no_pause).run(ledger)
    await client.close()

    uploads, jobs, _ = counts(azure)
    assert (uploads - before[0], jobs - before[1]) == (2, 1)
    assert done.job_id is not None
    assert again.job_id == done.job_id


@pytest.mark.parametrize("fault", ["cut_after_create", "error_after_create", "cut_before_create"])
async def test_lost_answer_to_create_is_looked_for(azure: TestEmulator, tmp_path: Path, fault: str) -> None:
    store, files, before, client = Store(tmp_path / "s"), files_in(tmp_path, 12), counts(azure), await client_of(azure)
    azure._put("tuning-faults", {fault: 1})

    done = await Submission(store, client, files, pause=_real_pause).run(begun(azure, f"lost-{fault}"))
    await client.close()
    azure._put("tuning-faults", {})

    assert counts(azure)[1] - before[1] == 1
    assert done.job_id is not None


@pytest.fixture(scope="module")
def tuned(azure: TestEmulator, tmp_path_factory: pytest.TempPathFactory) -> TuningLedger:
    import asyncio

    folder = tmp_path_factory.mktemp("tuned")

    async def run() -> TuningLedger:
        client = await client_of(azure)
        store, ledger = Store(folder / "s"), begun(azure, "tuned")
        done = await Submission(store, client, files_in(folder, 14), pause=_real_pause).run(ledger)
        while (job := await client.job(str(done.job_id))).tuned_model is None:
            await _real_pause(0)
        await client.close()
        return done.model_copy(update={"tuned_model": job.tuned_model})

    return asyncio.run(run())


async def _keep(store: Store, ledger: TuningLedger) -> None:
    from storage.tuning_records import change_ledger

    change_ledger(store, ledger.key, lambda _: ledger)


async def _real_pause(_: float) -> None:
    import asyncio

    await asyncio.sleep(0.05)
