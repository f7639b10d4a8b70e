"""Files of a plan: equal byte by byte, whole or not at all, as their schemas say."""

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from producer.planning.files import write_plan
from schemas import tables
from schemas.codebook import Codebook
from schemas.errors import StoreError
from schemas.identity import bytes_digest
from schemas.run import RunManifest
from tests.support.plans import (
    BASIC,
    COT,
    CREATED_AT,
    FEW_SHOT,
    make_inputs,
    make_model,
    make_plan,
    plan_rows,
)

THREE_ARMS = {"basic": BASIC, "cot": COT, "few": FEW_SHOT}
PARQUET = ("plan.parquet", "tasks.parquet", "respondents.parquet")


def test_two_plans_of_one_study_are_byte_identical(tmp_path):
    make_plan(tmp_path / "a", arms=THREE_ARMS)
    make_plan(tmp_path / "b", arms=THREE_ARMS, run_id="small-2")

    for name in (*PARQUET, "codebook.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_plan_does_not_depend_on_the_process_that_makes_it(tmp_path):
    here = make_plan(tmp_path / "a", arms=THREE_ARMS)
    script = (
        "import sys; from pathlib import Path; from tests.support.plans import *; "
        "make_plan(Path(sys.argv[1]), arms={'basic': BASIC, 'cot': COT, 'few': FEW_SHOT})"
    )
    root = Path(__file__).parents[3]
    environ = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}

    subprocess.run([sys.executable, "-c", script, str(tmp_path / "b")], env=environ, check=True)

    there = RunManifest.model_validate_json((tmp_path / "b" / "run.json").read_bytes())
    assert there.hashes == here.hashes


def test_run_json_says_what_was_planned_and_hashes_it(tmp_path):
    made = make_plan(tmp_path, arms=THREE_ARMS)

    read = RunManifest.model_validate_json((tmp_path / "run.json").read_bytes())
    assert read == made
    assert read.hashes["plan"] == bytes_digest((tmp_path / "plan.parquet").read_bytes())
    assert read.hashes["tasks"] == bytes_digest((tmp_path / "tasks.parquet").read_bytes())
    assert read.totals.n_tasks == 72
    assert read.totals.tasks_by_arm == {"basic": 24, "cot": 24, "few": 24}
    assert Codebook.model_validate_json((tmp_path / "codebook.json").read_bytes()).questions.keys() == {"Q1", "Q2"}


def test_tables_have_exactly_their_schemas_and_format(tmp_path):
    make_plan(tmp_path)

    assert pq.read_schema(tmp_path / "plan.parquet").equals(tables.PLAN)
    assert pq.read_schema(tmp_path / "tasks.parquet").equals(tables.TASKS)
    for name in PARQUET:
        assert pq.read_schema(tmp_path / name).metadata == tables.PLAN.metadata


def test_respondents_are_readable_by_their_owner_only(tmp_path):
    make_plan(tmp_path)

    for name in ("respondents.parquet", "plan.parquet"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    assert plan_rows(tmp_path, "respondents.parquet")[1]["AGE"] == 19


def test_shards_hold_one_model_each_and_row_groups_whole_shards(tmp_path):
    models = {"mini": make_model(), "big": make_model(model="gpt-4.1")}
    made = make_plan(
        tmp_path, n=40, models=models, queue={"shard_size": 7}, arms={"a": BASIC, "b": BASIC | {"model": "big"}}
    )

    plan = plan_rows(tmp_path, "plan.parquet")
    shards = {number for numbers in made.shards_by_model.values() for number in numbers}
    assert shards == set(range(made.totals.n_shards)) == {row["shard"] for row in plan}
    for model, numbers in made.shards_by_model.items():
        assert {row["model"] for row in plan if row["shard"] in numbers} == {model}
    assert [row["shard"] for row in plan] == sorted(row["shard"] for row in plan)


def test_progress_reaches_the_number_of_respondents(tmp_path):
    told = []
    write_plan(
        make_inputs(n=120),
        out_dir=tmp_path,
        run_id="p",
        created_at=CREATED_AT,
        progress=lambda *done: told.append(done),
    )

    assert told == [(0, 120), (50, 120), (100, 120), (120, 120)]


def test_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError):
        make_plan(tmp_path / "file" / "run")


def test_disk_that_fills_up_is_a_store_error_without_run_json(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(StoreError):
            make_plan(tmp_path / "run", n=300)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)

    assert not (tmp_path / "run" / "run.json").exists()
