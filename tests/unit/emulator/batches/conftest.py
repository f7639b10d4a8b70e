"""Emulators that serve batches, and clients of them."""

from collections.abc import Iterator

import openai
import pytest

from tests.support.batches import FAST, sdk
from tests.support.emulator import TestEmulator, running_emulator


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(batch_speed=FAST, batch={"max_lines": 20}) as running:
        yield running


@pytest.fixture(scope="module")
def azure() -> Iterator[TestEmulator]:
    with running_emulator(profile="azure_v1", batch_speed=FAST) as running:
        yield running


@pytest.fixture(params=["openai", "azure_v1"])
def emulator(
    request: pytest.FixtureRequest, service: TestEmulator, azure: TestEmulator
) -> Iterator[tuple[str, TestEmulator]]:
    running = service if request.param == "openai" else azure
    running.set_batch_faults()
    yield request.param, running
    running.set_batch_faults()


@pytest.fixture
def client(service: TestEmulator) -> Iterator[openai.OpenAI]:
    service.set_batch_faults()
    with sdk(service, "openai") as made:
        yield made
