"""Every profile's files and batches, by the package's own client and by plain HTTP."""

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.support.batches import FAST, PROFILES, sdk
from tests.support.emulator import TestEmulator, running_emulator


@pytest.fixture(scope="module", params=PROFILES)
def service(request: pytest.FixtureRequest) -> Iterator[tuple[str, TestEmulator, openai.OpenAI]]:
    with (
        running_emulator(profile=request.param, keys=("k",), batch_speed=FAST) as running,
        sdk(running, request.param) as client,
    ):
        yield request.param, running, client


@pytest.fixture
def raw(service) -> Iterator[httpx2.Client]:
    profile, running, _ = service
    headers = {"Authorization": "Bearer k"} if profile == "openai" else {"api-key": "k"}
    params = {"api-version": "2025-04-01-preview"} if profile == "azure" else {}
    with httpx2.Client(base_url=running.base_url, headers=headers, params=params, verify=False) as client:
        yield client
