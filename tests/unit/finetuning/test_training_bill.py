"""What training costs: what was trained, or as estimated, of jobs that are there and are billed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from finetuning.jobs.training_bill import bought_usd, training_cost
from schemas.models import Model
from schemas.tuning import TuningLedger

NOVEMBER, DECEMBER, JANUARY = (datetime(y, m, 1, tzinfo=UTC) for y, m in ((2026, 11), (2026, 12), (2027, 1)))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENTRY = {
    "provider": "openai", "model": "m", "tuning": {"usd_per_million_tokens": 5.0},
    "deployments": [{"name": "d", "base_url": "http://127.0.0.1:9", "rpm": 1}],
}  # fmt: skip


def job(**changes: Any) -> TuningLedger:
    made = {"key": "k", "entry_name": "m", "entry": Model.model_validate(ENTRY), "model": "m", "created_at": NOVEMBER}
    return TuningLedger(**(made | {"job_id": "ftjob-1", "state": "running", "estimated_usd": 3.0} | changes))


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        pytest.param({}, 3.0, id="running: as estimated"),
        pytest.param({"state": "succeeded", "trained_tokens": 400_000}, 2.0, id="over: what was trained"),
        pytest.param({"state": "succeeded"}, 3.0, id="over, and the service does not say what was trained"),
        pytest.param({"state": "cancelled", "trained_tokens": 100_000}, 0.5, id="cancelled: the work done"),
        pytest.param({"state": "cancelled", "trained_tokens": 0}, 0.0, id="cancelled before training"),
        pytest.param({"state": "failed"}, 0.0, id="failed: not billed"),
        pytest.param({"job_id": None, "state": "preparing", "intent": "upload_training"}, 0.0, id="not created yet"),
        pytest.param({"job_id": None, "state": "preparing", "intent": "create"}, 3.0, id="cut off while created"),
        pytest.param({"job_id": None, "holder": "h:1", "held_at": NOW}, 3.0, id="being submitted"),
        pytest.param({"job_id": None, "holder": "h:1", "held_at": NOVEMBER}, 0.0, id="given up days ago"),
        pytest.param({"estimated_usd": None}, 0.0, id="no price"),
        pytest.param({"bought_at": DECEMBER}, 0.0, id="begun before, bought in another month"),
    ],
)
def test_job_counts_what_it_is_billed_for(changes: dict[str, Any], usd: float) -> None:
    assert bought_usd([job(**changes)], now=NOW, begin=NOVEMBER, end=DECEMBER) == pytest.approx(usd)


def test_each_job_counts_in_one_month() -> None:
    jobs = [job(), job(bought_at=DECEMBER, estimated_usd=4.0)]

    assert bought_usd(jobs, now=NOW, begin=NOVEMBER, end=DECEMBER) == 3.0
    assert bought_usd(jobs, now=NOW, begin=DECEMBER, end=JANUARY) == 4.0


def test_training_without_a_price_has_no_cost() -> None:
    entry = Model.model_validate(ENTRY | {"tuning": {}})

    assert training_cost(job(entry=entry, trained_tokens=1000)) is None
    assert training_cost(job(entry=entry.model_copy(update={"tuning": None}))) is None
