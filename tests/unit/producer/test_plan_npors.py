"""The plan of Pew's NPORS 2024 file: five questions, one arm, 5,626 respondents."""

import json
import re
import time

import pyarrow.parquet as pq
import pytest

from producer.arms import ChatCounter
from producer.planning.files import write_plan
from producer.planning.inputs import PlanInputs
from producer.prompting.personas import compile_template
from schemas.study import Study
from survey.files import read_survey
from survey.prepare import prepare
from tests.support.plans import BASIC, CREATED_AT, make_model

TEMPLATE = """You are {{ AGE }} years old.
Gender: {{ GENDER }}.
You describe yourself as {{ RACE }}.
Birthplace: {{ BIRTHPLACE }}.
Marital status: {{ MARITAL }}.
Education: {{ EDUCATION }}.
Income: {{ INC_SDT1 }}.
You live in the {{ DIVISION }} division.
Your area is {{ METRO }}.
"""
STUDY = {
    "study": "npors",
    "survey": {"file": "npors.sav", "respondent_id": "RESPID", "weight": "WEIGHT"},
    "missing": {"default": {"refused": [99]}, "AGE": {"refused": [99], "keep": [98]}},
    "persona": {
        "fields": ["AGE", "GENDER", "RACE", "BIRTHPLACE", "MARITAL", "EDUCATION", "INC_SDT1", "DIVISION", "METRO"],
        "derive": {
            "RACE": {
                "selected": [f"RACEMOD_{i}" for i in range(1, 7)],
                "refused": "RACEMOD_99",
                "prefix": {"from": "HISP", 1: "Hispanic, "},
            }
        },
    },
    "questions": {q: {} for q in ("ECON1MOD", "UNITY", "GPT1", "MOREGUNIMPACT", "GAMBLERESTR")},
    "arms": {"basic": BASIC},
}


@pytest.fixture(scope="module")
def inputs(npors_sav):
    study = Study.model_validate(STUDY)
    data = read_survey(npors_sav)
    prepared = prepare(study, data)
    fields = {name: prepared.codebook.fields[name] for name in study.persona.fields}
    return PlanInputs(study, {"mini": make_model()}, prepared, data.sha256, compile_template(TEMPLATE, fields, {}))


@pytest.fixture(scope="module")
def planned(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("npors") / "run"
    started_s = time.process_time()
    manifest = write_plan(inputs, out_dir=folder, run_id="npors-1", created_at=CREATED_AT)
    return manifest, folder, time.process_time() - started_s


@pytest.fixture(scope="module")
def turns(planned):
    texts = pq.read_table(planned[1] / "plan.parquet", columns=["turns"])["turns"].to_pylist()
    return [json.loads(text)[0] for text in texts]


def personas(turns):
    return {messages[1]["content"].split("\n\nQuestion:")[0] for messages in turns}


def test_npors_has_28130_tasks_and_about_27400_distinct_requests(planned):
    totals = planned[0].totals

    assert totals.n_tasks == 28_130
    assert totals.n_requests == pytest.approx(27_400, rel=0.005)


def test_planning_npors_takes_less_than_ten_cpu_seconds(planned):
    assert planned[2] < 10


def test_metro_1_reads_metropolitan(inputs, planned, turns):
    metro = inputs.prepared.respondents["METRO"]

    assert any("Your area is Metropolitan." in persona for persona in personas(turns))
    assert set(metro.dropna()) == {1, 2}


def test_no_persona_holds_a_missing_code_or_a_decimal_age(turns):
    for persona in personas(turns):
        assert not re.search(r"\bnan\b|None|<NA>|\b99\b", persona)
        assert not re.search(r"You are \d+\.", persona)
        assert "efused" not in persona


def test_age_98_reads_as_the_file_labels_it(turns):
    ages = {match[1] for p in personas(turns) if (match := re.match(r"You are (\S+) years", p))}

    assert {age for age in ages if not age.isdigit()} <= {"98+"}
    assert all(18 <= int(age) <= 97 for age in ages if age.isdigit())


def test_no_option_shown_is_a_missing_code(turns):
    assert not any(re.search(r"^99\. ", messages[1]["content"], re.MULTILINE) for messages in turns)


def test_planned_tokens_are_within_two_percent_of_exact_counting(planned, turns):
    planned_tokens = pq.read_table(planned[1] / "plan.parquet")["prompt_tokens"].to_pylist()[::20]
    counter = ChatCounter("gpt-4.1-mini")

    exact = [counter.exact(messages) for messages in turns[::20]]

    assert sum(planned_tokens) == pytest.approx(sum(exact), rel=0.02)
    assert all(abs(a - b) <= 0.02 * b for a, b in zip(planned_tokens, exact, strict=True))
