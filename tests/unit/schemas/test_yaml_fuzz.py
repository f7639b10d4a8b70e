from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import StudyError
from schemas.models import MODELS_NOT_BUILT_YET, ModelsFile
from schemas.study import NOT_BUILT_YET, Study
from schemas.yaml_shape import validated
from schemas.yaml_source import Source, read_yaml
from tests.support.small_study import MODELS, STUDY

SCALARS = st.sampled_from([None, True, 0, -1, 1.5, 10**30, float("nan"), "", "x", "NO", "1", "é\u2028", [], {}])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", 1, "model"]), inner)
)


def broken(text, position, value):
    """The file's data with the value at one place replaced."""
    source = read_yaml(text, "file.yaml")
    *parents, last = sorted(source.lines)[position % len(source.lines)].split(".")
    here = source.data
    for part in parents:
        here = (
            here[int(part)]
            if isinstance(here, list)
            else here.get(part, here.get(int(part) if part.isdigit() else part))
        )
    if isinstance(here, list):
        here[int(last)] = value
    else:
        here[int(last) if last.isdigit() else last] = value
    return Source(source.name, source.data, source.lines)


def told_by(call):
    try:
        call()
    except StudyError as e:
        return e.problems
    return ()


@settings(max_examples=150)
@given(position=st.integers(0, 1000), value=VALUES, which=st.booleans())
def test_any_value_in_any_place_is_read_or_told_with_a_place(position, value, which):
    text, model, later = (STUDY, Study, NOT_BUILT_YET) if which else (MODELS, ModelsFile, MODELS_NOT_BUILT_YET)
    source = broken(text, position, value)

    told = told_by(lambda: validated(source, model, later))

    assert all(problem.where.startswith("file.yaml") and problem.what for problem in told)


@settings(max_examples=150)
@given(text=st.text(alphabet="ab:-[]{}&*!|>%#'\"\\\n\t ,?0.~@`é\x00", max_size=40))
def test_any_text_is_read_or_told(text):
    told = told_by(lambda: read_yaml(text, "file.yaml"))

    assert all(problem.where.startswith("file.yaml") for problem in told)
