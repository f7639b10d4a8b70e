from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from producer.reuse import copy_reused, find_reusable
from schemas import run_paths, tables
from storage.parts import landed_units, read_part
from storage.runs import load_manifest
from storage.store import open_store
from tests.support.plans import BASIC, CREATED_AT, land_answers, make_model, make_run

LATER = CREATED_AT + timedelta(days=1)
WARM = {"arms": {"basic": BASIC | {"parameters": {"temperature": 1}}}}


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path))


def reusable(store, run_id="second", now=LATER):
    return find_reusable(store, load_manifest(store, run_id), store, run_paths.plan(run_id), now=now)


def model(**overrides):
    return {"models": {"mini": make_model(**overrides)}}


def moved(**deployment):
    return model(deployment=deployment)


def test_same_requests_are_all_reused(store):
    make_run(store, "first")
    ids = land_answers(store, "first")
    make_run(store, "second")

    found = copy_reused(store, "second", now=LATER)

    part = read_part(store, "second", run_paths.REUSED_UNIT)
    assert part.schema.equals(tables.RESPONSES)
    assert sorted(part["request_id"].to_pylist()) == sorted(ids)
    assert found.by_run == {"first": 24}


def test_reused_answer_costs_nothing_and_keeps_its_moment_and_words(store):
    make_run(store, "first")
    land_answers(store, "first", attempts=3, maybe_paid=1)
    make_run(store, "second")

    row = reusable(store).table.to_pylist()[0]

    assert (row["transport"], row["source_run_id"], row["created_at"]) == ("reused", "first", CREATED_AT)
    assert (row["cost_usd"], row["maybe_paid"], row["attempts"]) == (0.0, 0, 0)
    assert (row["turns"], row["prompt_tokens"]) == (["2"], 100)


def test_pilot_serves_the_full_run(store):
    make_run(store, "first", n=4)
    land_answers(store, "first")
    make_run(store, "second", n=12)

    assert reusable(store).n == 8


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, moved(base_url="https://west.example.com/openai/v1"), id="origin"),
        pytest.param({}, moved(base_url="http://127.0.0.1:8080/openai/v1"), id="emulator's own origin"),
        pytest.param({}, model(provider="openai"), id="provider"),
        pytest.param(moved(identity="a"), moved(identity="b"), id="declared identity"),
        pytest.param({}, model(model="gpt-4.1"), id="model id"),
        pytest.param({}, model(parameters={"temperature": 0, "max_completion_tokens": 9}), id="token limit"),
        pytest.param(WARM, {"arms": {"basic": BASIC | {"parameters": {"temperature": 0.9}}}}, id="temperature"),
        pytest.param({}, {"arms": {"basic": BASIC | {"parameters": {"logprobs": True}}}}, id="logprobs"),
        pytest.param(
            {},
            {"arms": {"basic": BASIC | {"parameters": {"response_format": {"type": "json_object"}}}}},
            id="response format",
        ),
        pytest.param({}, {"arms": {"basic": {"model": "mini", "strategy": "chain_of_thought"}}}, id="strategy"),
        pytest.param({}, {"template": "Age {{ AGE }}."}, id="persona"),
        pytest.param({"questions": {"Q1": {}}}, {"questions": {"Q2": {}}}, id="question"),
    ],
)
def test_one_changed_identity_field_means_new_requests_and_no_reuse(store, before, after):
    make_run(store, "first", **before)
    ids = land_answers(store, "first")
    make_run(store, "second", **(before | after))

    new = pq.read_table(store.path(run_paths.plan("second")))["request_id"].to_pylist()
    assert not set(ids) & set(new)
    assert reusable(store).n == 0


def test_sampled_answer_of_another_respondent_is_not_reused(store):
    same = {"AGE": [40, 40], "AREA": [1, 1]}
    make_run(store, "first", n=1, columns={k: v[:1] for k, v in same.items()}, **WARM)
    land_answers(store, "first")
    make_run(store, "second", n=2, columns=same, **WARM)

    assert reusable(store).n == 2  # of four: the first respondent's own


@pytest.mark.parametrize(
    "unchanged",
    [
        pytest.param(moved(deployment="renamed-on-the-wire", name="x", rpm=9), id="deployment"),
        pytest.param(model(price={"input": 9, "output": 9}, timeout_s=1), id="price and time-out"),
        pytest.param({"queue": {"shard_size": 1}}, id="shards"),
        pytest.param({"arms": {"renamed": BASIC}}, id="arm name"),
    ],
)
def test_what_is_no_part_of_the_identity_does_not_stop_reuse(store, unchanged):
    make_run(store, "first")
    land_answers(store, "first")
    make_run(store, "second", **unchanged)

    assert reusable(store).n == 24


@pytest.mark.parametrize("outcome", ["refused", "filtered", "truncated", "failed"])
def test_only_whole_answers_are_reused(store, outcome):
    make_run(store, "first")
    land_answers(store, "first", outcome=outcome)
    make_run(store, "second")

    assert reusable(store).n == 0


def test_answer_of_a_fallback_model_is_not_reused(store):
    make_run(store, "first")
    land_answers(store, "first", model="gpt-4o")
    make_run(store, "second")

    assert reusable(store).n == 0


def test_answer_of_a_retry_generation_is_found_beside_the_failure(store):
    make_run(store, "first")
    land_answers(store, "first", outcome="failed")
    land_answers(store, "first", unit="s000000.g1")
    make_run(store, "second")

    assert reusable(store).n == 24


@pytest.mark.parametrize(("days", "n"), [(6.9, 24), (7.1, 0)])
def test_answers_are_reused_up_to_their_greatest_age(store, days, n):
    make_run(store, "first")
    land_answers(store, "first")
    make_run(store, "second")

    assert reusable(store, now=CREATED_AT + timedelta(days=days)).n == n


def test_age_counts_from_the_first_call_however_often_it_was_reused(store):
    for run_id, day in (("first", 0), ("second", 4)):
        make_run(store, run_id, created_at=CREATED_AT + timedelta(days=day))
        copy_reused(store, run_id, now=CREATED_AT + timedelta(days=day))
        if day == 0:
            land_answers(store, run_id)
    make_run(store, "third")

    assert reusable(store, "third", CREATED_AT + timedelta(days=6)).by_run == {"first": 24}
    assert reusable(store, "third", CREATED_AT + timedelta(days=8)).n == 0


@pytest.mark.parametrize(("scope", "n"), [("none", 0), ("study", 0), ("store", 24)])
def test_another_studys_answers_serve_only_within_the_store_scope(store, scope, n):
    make_run(store, "first", study="other")
    land_answers(store, "first")
    make_run(store, "second", reuse={"scope": scope})

    assert reusable(store).n == n


def test_newest_run_serves_first(store):
    for run_id, day, text in (("b-old", 0, "1"), ("a-new", 1, "3")):
        make_run(store, run_id, created_at=CREATED_AT + timedelta(days=day))
        land_answers(store, run_id, turns=[text])
    make_run(store, "second")

    assert reusable(store).by_run == {"a-new": 24}


def test_emulators_answers_are_reused_by_its_own_origin_only(store):
    shared = moved(identity="gpt-4.1-mini everywhere")
    for run_id, models in (("first", {}), ("shared", shared)):
        make_run(store, run_id, **models)
        land_answers(store, run_id, system_fingerprint="fp_emulator_1")
    make_run(store, "second")
    make_run(store, "third", **shared)

    assert reusable(store, "second").n == 24
    assert reusable(store, "third").n == 0


def test_run_and_part_that_cannot_be_read_are_passed_over_and_told(store):
    make_run(store, "first")
    land_answers(store, "first")
    store.put_if_absent(run_paths.part("first", "s000001"), b"no parquet")
    store.put_if_absent(run_paths.run_json("broken"), b"{}")
    make_run(store, "second")

    found = reusable(store)

    assert found.n == 24
    assert len(found.skipped) == 1  # the broken run; the damaged part was not needed any more
    make_run(store, "third", n=13)
    assert any("s000001" in line for line in reusable(store, "third").skipped)


def test_nothing_to_reuse_lands_no_part(store):
    make_run(store, "second")

    assert copy_reused(store, "second", now=LATER).n == 0
    assert landed_units(store, "second") == set()


def test_copying_twice_lands_one_part(store):
    make_run(store, "first")
    land_answers(store, "first")
    make_run(store, "second")

    copy_reused(store, "second", now=LATER)
    copy_reused(store, "second", now=LATER)

    assert read_part(store, "second", run_paths.REUSED_UNIT).num_rows == 24
