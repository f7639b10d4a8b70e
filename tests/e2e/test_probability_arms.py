"""Arms that give probabilities, through real workers: what lands is what the emulator's base model believes."""

import json

import pyarrow.parquet as pq
import pytest

from emulator.answering.prompt import read
from emulator.answering.respondent import answer
from producer.prompting.turns import Turns
from schemas import run_paths
from tests.support.fleet import Fleet, running_fleet, study_of

pytestmark = pytest.mark.e2e
ARMS = ["logprobs", "stated", "samples", "twice", "rotated"]
OFF_CODEBOOK = 0.05


@pytest.fixture(scope="module")
def fleet():
    manner = {"off_codebook": OFF_CODEBOOK, "spaced_share": 0.2, "first_option_bias": 0.1}
    with running_fleet(n_workers=1, emulator={"latency": {"median_s": 0.0}, "seed": 5, "manner": manner}) as fleet:
        fleet.open(study_of(fleet, n_respondents=6, shard_size=32, arms=ARMS))
        fleet.until_finished()
        yield fleet


def rows(fleet: Fleet, arm: str) -> list[dict]:
    return [row | {"probabilities": dict(row["probabilities"] or [])} for row in fleet.rows() if row["arm"] == arm]


def turns(fleet: Fleet, request_id: str) -> Turns:
    plan = pq.read_table(fleet.store.path(run_paths.plan("run")), columns=["request_id", "turns"]).to_pylist()
    return next(Turns.from_json(row["turns"]) for row in plan if row["request_id"] == request_id)


def believed(messages: list[dict]) -> dict[int, float]:
    """What the base model believes, without any lean to the first option."""
    said = answer(read(messages), seed=5, model="gpt-4.1-mini", temperature=0, sampling_key="")
    return {int(code): chance for code, chance in said.chances.items()}


def leaning(p: dict[int, float]) -> dict[int, float]:
    first, *others = p
    moved = {first: p[first] + 0.1} | {code: p[code] - 0.1 / len(others) for code in others}
    return {code: max(0.0, share) / sum(max(0.0, s) for s in moved.values()) for code, share in moved.items()}


def test_logprob_distributions_are_the_true_ones(fleet):
    found = rows(fleet, "logprobs")

    assert len(found) == 12
    for row in found:
        true = leaning(believed(turns(fleet, row["request_id"]).first))
        assert row["probabilities"] == pytest.approx(true, abs=1e-6)
        assert row["covered_mass"] == pytest.approx(1 - OFF_CODEBOOK, abs=1e-6)
        assert row["answer"] == max(true, key=true.__getitem__)
        assert row["status"] == "answered"


def test_stated_distributions_are_the_true_ones_to_the_digits_said(fleet):
    for row in rows(fleet, "stated"):
        true = leaning(believed(turns(fleet, row["request_id"]).first))
        assert row["probabilities"] == pytest.approx(true, abs=2e-6)
        assert row["covered_mass"] == 1.0


def test_samples_are_the_shares_of_their_turns(fleet):
    for row in rows(fleet, "samples"):
        part = next(part for part in fleet.parts() if part["request_id"] == row["request_id"])
        shares = {code: part["turns"].count(str(code)) / 8 for code in row["probabilities"]}
        assert len(part["turns"]) == 8
        assert row["probabilities"] == pytest.approx(shares)
        assert row["answer"] == max(shares, key=shares.__getitem__)


def test_repeats_of_another_strategy_are_rows_of_their_own(fleet):
    found = rows(fleet, "twice")

    assert sorted(row["repeat"] for row in found) == [0] * 12 + [1] * 12
    assert len({row["request_id"] for row in found}) == 24
    assert not any(row["probabilities"] for row in found)


def test_average_over_rotations_has_no_lean_to_the_first_option(fleet):
    lean = []
    for row in rows(fleet, "rotated"):
        asked = turns(fleet, row["request_id"])
        texts = [""] * asked.n
        believes = [believed(asked.messages(texts[:turn])) for turn in range(asked.n)]
        true = {code: sum(p[code] for p in believes) / asked.n for code in row["probabilities"]}
        lean.append(row["probabilities"][1] - true[1])
    assert abs(sum(lean) / len(lean)) < 0.01


def test_part_keeps_the_raw_logprobs(fleet):
    requests = {row["request_id"] for row in rows(fleet, "logprobs")}
    raw = [json.loads(part["logprobs"]) for part in fleet.parts() if part["request_id"] in requests]

    assert all(len(told["content"][0]["top_logprobs"]) >= 5 for told in raw)
