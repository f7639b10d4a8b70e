"""Persona templates and prompt files of somebody who means harm: refused or bounded, in little time and memory."""

import resource
import time
from collections.abc import Callable

import pytest

from producer.prompting.personas import compile_template
from producer.prompting.prompt_file import compile_prompt
from producer.prompting.sandbox import MAX_CHARS
from schemas.codebook import CodedVariable
from schemas.errors import StudyError

WORD = "abcdefghij" * 20
FIELDS = {"AGE": CodedVariable(name="AGE", kind="numeric"), "TOWN": CodedVariable(name="TOWN", labels={1: WORD})}
MOST_S = 4.0
MOST_BYTES = 300 << 20

HOSTILE = {
    "class": "{{ TOWN.__class__.__mro__[1].__subclasses__() }}",
    "globals of a method": "{{ TOWN.upper.__globals__ }}",
    "attr filter": '{{ TOWN | attr("__class__") }}',
    "map attribute": '{{ [TOWN] | map(attribute="__class__") | join }}',
    "format to internals": '{{ "{0.__class__.__init__}".format(TOWN) }}',
    "format map": '{{ "{a.__class__}".format_map({"a": TOWN}) }}',
    "file": '{{ open("/etc/passwd").read() }}',
    "include": '{% include "/etc/passwd" %}',
    "import": '{% import "/etc/passwd" as x %}',
    "extends": '{% extends "/etc/passwd" %}',
    "cycler": '{{ cycler.__init__.__globals__.os.system("id") }}',
    "lipsum": "{{ lipsum(n=100000) }}",
    "self": "{{ self.__init__.__globals__ }}",
    "range": "{% for i in range(10 ** 9) %}x{% endfor %}",
    "wide format": '{{ "{:>999999999}".format(AGE) }}',
    "width from a value": '{{ "{:>{}}".format(AGE, 999999999) }}',
    "padding": "{{ TOWN.ljust(999999999) }}",
    "centre": "{{ TOWN | center(999999999) }}",
    "times": "{{ TOWN * 999999999 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "percent": '{{ "%999999999d" % 1 }}',
    "doubling": "{% set a = TOWN %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "doubling by method": "{{ TOWN" + '.replace("a", "aaaaaaaaaa")' * 12 + " }}",
    "doubling by filter": "{{ TOWN" + ' | replace("a", "aaaaaaaaaa")' * 12 + " }}",
    "doubling by join": "{{ TOWN" + " | join(TOWN)" * 8 + " }}",
    "doubling by loops": "{% for a in TOWN %}" * 6 + "{{ TOWN }}" + "{% endfor %}" * 6,
    "silent loops": "{% for a in TOWN %}" * 6 + "{% endfor %}" * 6 + "x",
    "macros": "{% macro a() %}{{ TOWN }}{% endmacro %}" + "{{ a() }}",
    "recursive loop": "{% for a in [TOWN] recursive %}{{ loop([a]) }}{% endfor %}",
    "many loops": "{% for a in TOWN %}" * 30 + "{% endfor %}" * 30,
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "long number": "{{ " + "9" * 6000 + " }}",
    "rounding": "{{ 1.5 | round(999999999) }}",
    "slices": "{{ TOWN | slice(999999999) | list }}",
    "bytes of a number": "{{ (1).to_bytes(999999999) }}",
    "encode": '{{ TOWN.encode("utf-16") }}',
    "sum of lists": "{{ [[TOWN] * 99999] | sum(start=[]) }}",
}


def bounded(work: Callable[[], str]) -> str:
    """What it returns, "" if it is refused; fails if it takes long or much."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        text = work()
    except StudyError as error:
        text = "" if WORD not in str(error) else "__ a value of a respondent"
    assert time.process_time() - began < MOST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES
    return text


def harmless(text: str) -> None:
    assert len(text) <= MAX_CHARS
    for sign in ("root:", "<class", "os.", "__", "function", "uid="):
        assert sign not in text


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in HOSTILE.items()])
def test_hostile_persona_template_is_refused_or_bounded(source):
    harmless(bounded(lambda: compile_template(source, FIELDS, {}).render([30, 1])))


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in HOSTILE.items()])
def test_hostile_prompt_file_is_refused_or_bounded(source):
    values = {"question": WORD, "options": [{"code": 1, "letter": "A", "label": WORD}], "instruction": "x"}
    own = source.replace("TOWN", "question").replace("AGE", "question")

    def render() -> str:
        turns = compile_prompt(own, where="p.j2").render(values, len, has_persona=True).turns
        return "".join(piece.content for turn in turns for _, pieces in turn for piece in pieces if piece is not None)

    harmless(bounded(render))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("You are {{ AGE }}.", "You are 30."),
        ("{% if AGE | int > 20 %}You are grown up.{% else %}No.{% endif %}", "You are grown up."),
        ('{{ "{:,}".format(AGE | int * 1000) }}', "30,000"),
        ('{{ TOWN[:3].upper() }} {{ TOWN[:2] | replace("a", "o") }}', "ABC ob"),
        ("{% for c in TOWN[:3] %}{{ c }}{{ '-' if not loop.last }}{% endfor %}", "a-b-c"),
        ('{{ [AGE, "x"] | join(", ") }} {{ 2.345 | round(1) }}', "30, x 2.3"),
    ],
)
def test_honest_template_renders_as_written(source, expected):
    assert compile_template(source, FIELDS, {}).render([30, 1]) == expected
