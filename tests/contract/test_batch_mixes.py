"""Random mixes of batch faults, read by our own readers: every id is accounted for, with a cause that was injected."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import openai
import pytest

from providers.batch_lines import Account, read_lines, settled
from tests.support.batches import FAST, create, ended, jsonl, make_line, sdk
from tests.support.emulator import TestEmulator, running_emulator

N = 24
SHARES = ("lost_lines", "repeated_lines", "misfiled_lines", "blank_lines", "response_null", "status_zero")
CALLS = ("error_500", "rate_limited", "filter_prompt", "filter_answer", "refusal", "truncated", "empty_content")
CAUSES = {
    "server_error": {"response_null", "error_500", "all_failed"},
    "no_status": {"status_zero"},
    "rate_limited": {"rate_limited"},
    "empty_content": {"empty_content"},
    "batch_expired": {"expired_share"},
}
KINDS = {
    "filtered": {"filter_prompt", "filter_answer"},
    "refused": {"refusal", "filter_prompt"},
    "truncated": {"truncated"},
}
LOSSES = {"lost_lines", "torn_last_line", "expired_share"}


def mix(seed: int) -> dict[str, Any]:
    """A few faults at once."""
    rng = Random(seed)
    faults: dict[str, Any] = {name: rng.choice([0.1, 0.3, 0.6]) for name in rng.sample(SHARES, rng.randint(0, 3))}
    faults["answers"] = {name: 0.15 for name in rng.sample(CALLS, rng.randint(0, 3))}
    for name in ("torn_last_line", "unknown_fields", "lying_counts"):
        faults[name] = rng.random() < 0.4
    if rng.random() < 0.2:
        faults["expired_share"] = rng.random()
    faults["all_failed"] = rng.random() < 0.05
    return faults


def injected(faults: dict[str, Any]) -> set[str]:
    return {name for name, value in (faults | faults["answers"]).items() if value and name != "answers"}


@pytest.fixture(scope="module", params=["openai", "azure_v1"])
def service(request: pytest.FixtureRequest) -> Iterator[tuple[str, TestEmulator, openai.OpenAI]]:
    with (
        running_emulator(profile=request.param, batch_speed=FAST) as running,
        sdk(running, request.param) as client,
    ):
        yield request.param, running, client


def downloaded(client: openai.OpenAI, batch: Any, folder: Path) -> list[Path]:
    paths = []
    for name, file_id in (("out", batch.output_file_id), ("err", batch.error_file_id)):
        if file_id:
            paths.append(folder / name)
            paths[-1].write_bytes(client.files.content(file_id).content)
    return paths


@pytest.mark.parametrize("seed", range(25))
def test_every_id_has_one_outcome_whose_cause_was_injected(service, tmp_path, seed):
    profile, running, client = service
    faults = mix(seed)
    running.set_batch_faults(**faults)
    lines = [make_line(n, profile=profile, custom_id=f"{seed}x{n}.0") for n in range(N)]
    batch = ended(client, create(client, jsonl(lines), profile=profile).id)

    found = Account(frozenset(line["custom_id"] for line in lines))
    outcomes = list(settled(found, chain.from_iterable(map(read_lines, downloaded(client, batch, tmp_path)))))

    causes = injected(faults)
    assert len({line.custom_id for line in outcomes}) == len(outcomes) == N - found.n_missing
    assert (found.n_unexpected, found.n_malformed <= 1) == (0, True)
    assert not found.n_missing or causes & LOSSES
    for line in outcomes:
        if line.failure is not None:
            assert causes & CAUSES[line.failure.code]
        elif line.kind != "ok":
            assert causes & KINDS[line.kind]
    bought = Counter(line["id"] for line in running.purchase_lines() if line["batch_id"] == batch.id)
    assert set(bought.values()) <= {1}
    assert {line.custom_id for line in outcomes if line.kind in ("ok", "truncated", "refused")} <= set(bought)
