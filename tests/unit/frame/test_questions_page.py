"""The study on the page about questions is one that the version reads."""

import re
from pathlib import Path

from producer.load import study_of
from schemas.yaml_source import read_yaml

PAGE = Path(__file__).resolve().parents[3] / "docs" / "questions.md"


def test_example_of_every_kind_is_read_as_it_stands():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    head = "study: page\nsurvey: {file: a.csv, respondent_id: ID}\npersona: {fields: [AGE]}\n"

    study = study_of(read_yaml(head + example, "page"))

    assert {q.kind for q in study.questions.values()} == {"single", "ticked", "select_all", "numeric", "open"}
    assert {"TR1", "TR2", "BX1", "BX2"} < set(study.questions)
    assert {arm.format for arm in study.arms.values()} == {"number", "letter", "json"}
