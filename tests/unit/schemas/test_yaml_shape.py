import pytest

from schemas.errors import StudyError
from schemas.models import MODELS_NOT_BUILT_YET, ModelsFile
from schemas.study import NOT_BUILT_YET, Study
from schemas.yaml_shape import did_you_mean, nearest, validated
from schemas.yaml_source import read_yaml

STUDY = """\
study: toy
survey: {file: toy.csv, respondent_id: ID}
persona: {fields: [AGE]}
questions:
  Q1: {text: "How much?", answers: {1: NO, 2: A lot}}
arms:
  basic: {model: mini, strategy: basic}
"""

MODELS = """\
models:
  mini:
    provider: openai
    model: gpt-4.1-mini
    deployments:
      - {name: here, base_url: "http://127.0.0.1:1/v1", rpm: 60}
"""


def study(text=STUDY):
    return validated(read_yaml(text, "study.yaml"), Study, NOT_BUILT_YET)


def models(text=MODELS):
    return validated(read_yaml(text, "models.yaml"), ModelsFile, MODELS_NOT_BUILT_YET)


def problems_of(call, text):
    with pytest.raises(StudyError) as caught:
        call(text)
    return [str(problem) for problem in caught.value.problems]


def test_study_of_the_right_shape_is_read():
    assert study().questions["Q1"].answers == {1: "NO", 2: "A lot"}
    assert models().models["mini"].deployments[0].pool_name == "here"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        pytest.param("answers", "anwsers", 5, "Did you mean `answers`?", id="unknown-key-in-question"),
        pytest.param("survey:", "surwey:", 2, "Did you mean `survey`?", id="unknown-key-on-top"),
        pytest.param("strategy: basic", "strategy: few-shot", 7, "`few_shot`", id="unknown-strategy"),
        pytest.param("strategy: basic", "strategy: basic, respondents: tests", 7, "`test`", id="unknown-split"),
        pytest.param("fields: [AGE]", "fields: AGE", 3, "a list", id="text-for-a-list"),
        pytest.param("fields: [AGE]", "fields: []", 3, "at least one", id="no-fields"),
        pytest.param("2: A lot", "two: A lot", 5, "'two' must be a whole number", id="code-in-words"),
        pytest.param("2: A lot", "2: 5", 5, "in quotes", id="label-that-is-a-number"),
        pytest.param("study: toy", "study: my toy", 1, "letters, digits", id="study-name"),
        pytest.param("basic: {", "my arm: {", 7, "letters, digits", id="arm-name"),
        pytest.param(", strategy: basic", "", 7, "needs a `strategy`", id="arm-without-strategy"),
        pytest.param("model: mini", "import: x.csv", 7, "has no `strategy`", id="import-with-strategy"),
        pytest.param("fields: [AGE]", "fields: ~", 3, "is empty and must be", id="left-empty"),
    ],
)
def test_one_wrong_place_is_told_with_its_line(old, new, line, says):
    (problem,) = problems_of(study, STUDY.replace(old, new))

    assert problem.startswith(f"study.yaml:{line} ")
    assert says in problem


def test_missing_key_names_the_parent_line():
    (problem,) = problems_of(study, STUDY.replace(", respondent_id: ID", ""))

    assert problem == "study.yaml:2 (survey.respondent_id): `respondent_id` is missing."


def test_all_problems_come_at_once_in_the_order_of_lines():
    text = STUDY.replace("file:", "fiel:").replace("Q1: {", "Q1: {scale: ordnal, ").replace("model:", "modle:")

    found = problems_of(study, text + "reuse: {max_age_days: -1}\nsplit: {test: 0.9, validation: 0.5}\n")

    lines = [int(problem.split(":")[1].split(" ")[0]) for problem in found]
    assert lines == sorted(lines)
    assert [key in "\n".join(found) for key in ("fiel", "ordnal", "modle", "max_age_days", "split")] == [True] * 5


@pytest.mark.parametrize("key", ["fallback: mini"])
def test_arm_key_of_a_later_feature_is_refused_even_with_a_harmless_value(key):
    (problem,) = problems_of(study, STUDY.replace("strategy: basic", f"strategy: basic, {key}"))

    assert f"arms.basic.{key.split(':')[0]}` switches on" in problem


def test_choice_between_number_and_word_is_one_problem():
    (problem,) = problems_of(study, STUDY + "queue: {shard_size: many}\n")

    assert "`shard_size` is 'many' and must be a whole number or auto." in problem


def test_written_key_is_not_shown_and_its_place_is_named():
    text = MODELS.replace("rpm: 60", "rpm: 60, api_key: sk-abcdefghijklmnopqrstuvwx")

    (problem,) = problems_of(models, text)

    assert "models.yaml:6" in problem
    assert "`api_key_env`" in problem
    assert "sk-abc" not in problem


def test_key_in_the_place_of_a_number_is_not_shown():
    (problem,) = problems_of(models, MODELS.replace("rpm: 60", "rpm: sk-abcdefghijklmnopqrstuvwx"))

    assert "sk-abc" not in problem


def test_long_value_is_shortened():
    (problem,) = problems_of(study, STUDY.replace("strategy: basic", "strategy: " + "very " * 100))

    assert len(problem) < 250


@pytest.mark.parametrize(
    ("word", "found"),
    [
        pytest.param("EDUCATON", "EDUCATION", id="letter-left-out"),
        pytest.param("education", "EDUCATION", id="other-case"),
        pytest.param("zzz", "", id="nothing-near"),
    ],
)
def test_mistyped_word_finds_the_nearest_known_one(word, found):
    assert nearest(word, ["EDUCATION", "INCOME"]) == found


def test_hint_lists_what_there_is_when_nothing_is_near():
    assert did_you_mean("zzz", ["a", "b", "c"], limit=2) == "There is: a, b and 1 more."


def test_every_key_of_the_files_is_described():
    seen = [Study, ModelsFile]
    for model in seen:
        for name, info in model.model_fields.items():
            assert info.description, f"{model.__name__}.{name}"
        seen += [m for m in _inner(model) if m not in seen]


def _inner(model):
    from schemas.yaml_shape import _models_in, _step

    for name in model.model_fields:
        kind = _step(model, name)
        for inner in (kind, _step(kind, "x"), _step(kind, 0)):
            yield from _models_in(inner)


def test_codes_beside_recode_are_read_from_a_file():
    text = STUDY.replace("fields: [AGE]", "fields: [A], derive: {A: {recode: AGE, 1..3: low, 4: high}}")

    study = validated(read_yaml(text, "study.yaml"), Study, {})

    assert study.persona.derive["A"].codes == {"1..3": "low", 4: "high"}
