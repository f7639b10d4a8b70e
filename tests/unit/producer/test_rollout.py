"""A rollout in a plan: a share of respondents by hash, the same every time, a larger share holding a smaller one."""

from pathlib import Path

import pyarrow.parquet as pq

from producer.planning.files import write_plan
from schemas.models import Rollout
from tests.support.plans import CREATED_AT, make_inputs, make_model

LIVE = make_model(model="ft:live", version="npors@v1")
BESIDE = make_model(model="ft:beside", version="npors@v2")


def asked(folder: Path, share: float) -> dict[str, str]:
    """Respondent -> model that the plan asks."""
    live = LIVE.model_copy(update={"rollout": Rollout(model="npors@v2", share=share)})
    arms = {"tuned": {"model": "npors", "strategy": "basic"}}
    inputs = make_inputs(n=200, arms=arms, models={"npors": live, "npors@v2": BESIDE})
    write_plan(inputs, out_dir=folder, run_id="run", created_at=CREATED_AT)
    model = {r["request_id"]: r["model"] for r in pq.read_table(folder / "plan.parquet").to_pylist()}
    tasks = pq.read_table(folder / "tasks.parquet").to_pylist()
    assert {task["arm"] for task in tasks} == {"tuned"}
    return {task["respondent_id"]: model[task["request_id"]] for task in tasks}


def test_share_of_respondents_is_asked_the_other_version(tmp_path: Path) -> None:
    few, again, many = asked(tmp_path / "a", 0.1), asked(tmp_path / "b", 0.1), asked(tmp_path / "c", 0.5)

    beside = {who for who, model in few.items() if model == "npors@v2"}
    assert 8 <= len(beside) <= 36
    assert few == again
    assert beside < {who for who, model in many.items() if model == "npors@v2"}
