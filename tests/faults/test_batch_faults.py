"""Every fault of the Batch API alone, and random mixes: every task has one row whose cause was injected."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.support.batch_desk import BatchDesk, batch_desk
from tests.support.emulator import TestEmulator, running_emulator

SPEED = 2000.0
N = 24
LINES: dict[str, dict[str, Any]] = {
    "lost_lines": {"lost_lines": 0.4},
    "repeated_lines": {"repeated_lines": 0.5},
    "misfiled_lines": {"misfiled_lines": 0.5},
    "blank_lines": {"blank_lines": 0.5},
    "response_null": {"response_null": 0.4},
    "status_zero": {"status_zero": 0.4},
    "all_failed": {"all_failed": True},
    "torn_last_line": {"torn_last_line": True},
    "unknown_fields": {"unknown_fields": True},
    "lying_counts": {"lying_counts": True, "lost_lines": 0.2},
    "error_500": {"answers": {"error_500": 0.4}},
    "rate_limited": {"answers": {"rate_limited": 0.4}},
    "filter_prompt": {"answers": {"filter_prompt": 0.4}},
    "filter_answer": {"answers": {"filter_answer": 0.4}},
    "refusal": {"answers": {"refusal": 0.4}},
    "truncated": {"answers": {"truncated": 0.4}},
    "empty_content": {"answers": {"empty_content": 0.4}},
    "expired": {"expired_share": 0.5, "first_batches": 1},
    "failed_validation": {"failed": "invalid_json_line", "failed_after_s": 60, "first_batches": 1},
    "failed_token_limit": {"failed": "token_limit_exceeded", "failed_after_s": 60, "first_batches": 1},
    "stuck_validating": {"validating_s": 600},
    "stuck_finalizing": {"finalizing_s": 600},
    "file_pending": {"file_pending_s": 300},
    "cut_before_create": {"cut_before_create": 2},
    "cut_after_create": {"cut_after_create": 1},
    "error_after_create": {"error_after_create": 1},
    "listed_late": {"cut_after_create": 1, "listed_after_s": 600},
    "cut_after_upload": {"cut_after_upload": 2},
    "cut_download": {"cut_download": 2},
}
CAUSES = {
    "failed": {"lost_lines", "response_null", "status_zero", "all_failed", "torn_last_line", "error_500"}
    | {"empty_content", "failed", "expired_share", "rate_limited"},
    "filtered": {"filter_prompt", "filter_answer"},
    "refused": {"refusal", "filter_prompt"},
    "truncated": {"truncated"},
}
ERRORS = {
    "missing_from_batch": {"lost_lines", "torn_last_line"},
    "server_error": {"response_null", "error_500", "all_failed"},
    "no_status": {"status_zero"},
    "empty_content": {"empty_content"},
    "invalid_json_line": {"failed"},
}


def injected(faults: dict[str, Any]) -> set[str]:
    flat = faults | faults.get("answers", {})
    return {name for name, value in flat.items() if value and name != "answers"}


@pytest.fixture(scope="module")
def service() -> Iterator[TestEmulator]:
    with running_emulator(profile="azure_v1", batch_speed=SPEED) as running:
        yield running


def check(desk: BatchDesk, service: TestEmulator, before: int, faults: dict[str, Any]) -> None:
    rows, causes = desk.rows(), injected(faults)
    assert len(rows) == N
    for row in rows:
        assert row["status"] in CAUSES.keys() | {"answered", "unparsed"}, row["status"]
        if row["status"] in CAUSES:
            assert CAUSES[row["status"]] & causes, (row["status"], row["error_code"])
        if row["status"] == "failed":
            assert ERRORS[row["error_code"]] & causes, row["error_code"]
    bought = service.purchase_lines()[before:]
    told = sum(row["cost_usd"] for row in rows)
    paid = sum(float(line["cost_usd"]) for line in bought)
    lossy = causes & {"lost_lines", "torn_last_line"}
    assert told <= paid + 1e-12 if lossy else told == pytest.approx(paid)
    times = Counter(line["id"] for line in bought)
    assert max(times.values(), default=0) <= 3
    if not causes & (CAUSES["failed"] - {"rate_limited", "expired_share"}):
        assert max(times.values()) == 1
    assert all(ledger.state == "closed" for ledger in desk.ledgers())


QUICK = {"torn_last_line", "filter_prompt", "expired", "failed_token_limit", "listed_late"}
"""In every run of the tests; `make accept` plays all of them."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.accept) for name in LINES]
)
def test_one_fault_alone_leaves_every_task_its_row_and_cause(service, tmp_path, name):
    service.set_batch_faults(**LINES[name])
    before, batches = len(service.purchase_lines()), service.batches()
    desk = batch_desk(tmp_path, service, salt=name)

    desk.work()

    check(desk, service, before, LINES[name])
    if name in {"cut_before_create", "cut_after_create", "error_after_create", "listed_late", "cut_after_upload"}:
        after = service.batches()
        assert (after["created"] - batches["created"], after["same_requests"]) == (2, batches["same_requests"])


def mix(seed: int) -> dict[str, Any]:
    """Several faults at once."""
    rng = Random(seed)
    faults: dict[str, Any] = {}
    answers: dict[str, float] = {}
    for name in rng.sample(sorted(LINES), rng.randint(2, 6)):
        for key, value in LINES[name].items():
            if key == "answers":
                answers |= {each: 0.2 for each in value}
            else:
                faults[key] = value
    return faults | {"answers": answers}


def run_mix(service: TestEmulator, folder: Any, seed: int) -> None:
    faults = mix(seed)
    service.set_batch_faults(**faults)
    before = len(service.purchase_lines())
    desk = batch_desk(folder, service, salt=f"mix {seed}", lines=Random(seed).choice([5, 12, 24]))
    desk.work(deadline_s=40)
    check(desk, service, before, faults)


@pytest.mark.parametrize("seed", range(1))
def test_random_mix_of_faults_leaves_every_task_its_row_and_cause(service, tmp_path, seed):
    run_mix(service, tmp_path, seed)


@pytest.mark.accept
@pytest.mark.parametrize("seed", range(1, 51))
def test_random_mix_likewise_fifty_times(service, tmp_path, seed):
    run_mix(service, tmp_path, seed)
