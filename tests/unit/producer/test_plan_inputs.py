import pytest

from producer.planning.inputs import load_inputs
from schemas.errors import StudyError
from tests.support.plans import BASIC, make_model, make_prepared, make_study

EARLIER = {"import": "earlier.csv"}


def load(folder, *, models=None, **study):
    made = make_study(**study)
    models = {"mini": make_model()} if models is None else models
    return load_inputs(made, models, make_prepared(3, ["Q1", "Q2"]), survey_sha256="ab", folder=folder)


def persona(template):
    return {"persona": {"fields": ["AGE", "AREA"], "template": template}}


def test_template_and_import_are_read_beside_the_study(tmp_path):
    (tmp_path / "persona.j2").write_text("I am {{ AGE }}.", encoding="utf-8")
    (tmp_path / "earlier.csv").write_text("ID,Q1_LLM\nr000,2\n", encoding="utf-8")

    inputs = load(tmp_path, arms={"basic": BASIC, "earlier": EARLIER}, **persona("persona.j2"))

    assert inputs.template.render([41, None]) == "I am 41."
    assert inputs.imports["earlier"].answers == {"Q1": {"r000": "2"}}


def test_every_missing_file_is_told_at_once(tmp_path):
    with pytest.raises(StudyError) as error:
        load(tmp_path, arms={"earlier": EARLIER}, **persona("nowhere.j2"))

    assert len(error.value.problems) == 2


def test_hashes_change_with_the_template_and_the_models(tmp_path):
    (tmp_path / "a.j2").write_text("{{ AGE }}", encoding="utf-8")
    one = load(tmp_path, **persona("a.j2")).hashes()
    (tmp_path / "a.j2").write_text("{{ AREA }}", encoding="utf-8")
    two = load(tmp_path, models={"mini": make_model(timeout_s=5)}, **persona("a.j2")).hashes()

    assert one["survey"] == two["survey"] == "ab"
    assert one["study"] != two["study"]
    assert one["models"] != two["models"]


def test_models_no_arm_names_stay_out(tmp_path):
    models = {"mini": make_model(), "other": make_model(model="gpt-4.1")}

    assert list(load(tmp_path, models=models).models) == ["mini"]
