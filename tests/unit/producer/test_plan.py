from pathlib import Path

import pyarrow.parquet as pq
import pytest

from producer.check import check
from producer.plan import plan_run
from producer.prompting.prompt_preview import preview
from schemas.errors import StudyError
from tests.support.plans import CREATED_AT

MODELS = """
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    parameters: {temperature: 0, max_completion_tokens: 8}
    deployments: [{name: here, base_url: "http://127.0.0.1:9/v1", auth: none, rpm: 600}]
"""
STUDY = """
study: small
survey: {file: small.csv, respondent_id: ID}
persona: {fields: [AGE, AREA], phrases: {AREA: {1: rural, 2: urban}}, template: persona.j2}
questions:
  MOOD: {text: How are you?, answers: {1: Well, 2: Badly}}
arms:
  basic: {model: mini, strategy: basic}
  few: {model: mini, strategy: few_shot, examples: 2, match: [AREA]}
  earlier: {import: earlier.csv}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rows = [f"{100 + i},{20 + i},{1 + i % 2},{1 + i % 2 if i else ''}" for i in range(40)]
    (tmp_path / "small.csv").write_text("\n".join(["ID,AGE,AREA,MOOD", *rows]) + "\n")
    (tmp_path / "persona.j2").write_text("You are {{ AGE }} years old.\nYou live in an area that is {{ AREA }}.\n")
    (tmp_path / "earlier.csv").write_text("ID,MOOD_LLM\n101,2\n102,2\n")
    (tmp_path / "models.yaml").write_text(MODELS)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def test_checked_study_is_planned_from_its_own_folder(study, tmp_path):
    checked = check(study, environ={})

    manifest = plan_run(checked, out_dir=tmp_path / "run", run_id="small-1", created_at=CREATED_AT)

    tasks = pq.read_table(tmp_path / "run" / "tasks.parquet").to_pylist()
    imported = {t["respondent_id"]: t["imported_text"] for t in tasks if t["arm"] == "earlier"}
    assert manifest.totals.tasks_by_arm.keys() == {"basic", "few", "earlier"}
    assert (imported["101"], imported["102"], imported["103"]) == ("2", "2", None)
    assert manifest.extra["persona_template"].startswith("You are")


def test_preview_shows_the_persona_of_the_template(study):
    found = preview(check(study, environ={}), respondent_id="101", question_id="MOOD", arm="basic")

    assert found.messages[1]["content"] == (
        "You are 21 years old.\nYou live in an area that is urban.\n\n"
        "Question: How are you?\n1. Well\n2. Badly\nAnswer with the number of one option only."
    )


def test_study_with_errors_is_not_planned(study, tmp_path):
    study.write_text(STUDY.replace("match: [AREA]", "match: [NOWHERE]"))
    checked = check(study, environ={})

    with pytest.raises(StudyError, match="NOWHERE"):
        plan_run(checked, out_dir=tmp_path / "run", run_id="small-1", created_at=CREATED_AT)

    assert not (tmp_path / "run").exists()
