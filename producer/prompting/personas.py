"""Personas: what a prompt says about a respondent, from a template of one sentence per line.

A line is dropped when any field it uses is unanswered. Which fields a line uses is read from its syntax tree once,
so that rendering is a lookup: two respondents with the same codes in a line share its sentence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from jinja2 import Template, TemplateError, meta

from producer.prompting.sandbox import Sandbox, render_bounded
from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError

Codes = tuple[int, ...]
Phrases = Mapping[str, Mapping[int, str]]

_PLAIN_END = re.compile(r"[?:.!…]$")


@dataclass(frozen=True)
class Line:
    """One sentence of a template.

    Attributes:
        number: line in the template, from 1.
        fields: positions of the fields it uses; all must be answered.
        write: codes of these fields, in that order, to the sentence; raises StudyError.
    """

    number: int
    fields: tuple[int, ...]
    write: Callable[[Codes], str]
    _known: dict[Codes, str] = field(default_factory=dict, compare=False, repr=False)

    def sentence(self, codes: Sequence[int | None]) -> str:
        """The sentence for one respondent; "" if a field it uses is unanswered."""
        used = tuple([code for i in self.fields if (code := codes[i]) is not None])
        if len(used) < len(self.fields):
            return ""
        found = self._known.get(used)
        if found is None:
            found = self._known[used] = _one_line(self.write(used))
        return found


@dataclass(frozen=True)
class PersonaTemplate:
    """A compiled template.

    Attributes:
        fields: names in the order in which `render` takes their codes.
        text: the template as written; "" for the default one.
    """

    fields: tuple[str, ...]
    lines: tuple[Line, ...]
    text: str = ""

    def render(self, codes: Sequence[int | None]) -> str:
        """The persona of one respondent, sentences on lines of their own; "" if nothing is known.

        Args:
            codes: one per field, None for any kind of missing.

        Raises:
            StudyError: the template cannot be filled with these values.
        """
        sentences = [line.sentence(codes) for line in self.lines]
        return "\n".join([sentence for sentence in sentences if sentence])


def reading(variable: CodedVariable, phrases: Mapping[int, str]) -> Callable[[int], str]:
    """How a code of a field reads inside a sentence: its phrase, else its label, else the number itself."""

    def read(code: int) -> str:
        phrase = phrases.get(code)
        return phrase if phrase is not None else variable.labels.get(code, str(code))

    return read


def compile_template(
    text: str | None, fields: Mapping[str, CodedVariable], phrases: Phrases, *, where: str = "persona template"
) -> PersonaTemplate:
    """A template ready to render.

    Args:
        text: Jinja text whose names are fields; None for one "label: value" line per field.
        fields: the persona's fields in study order.
        phrases: field -> code -> how it reads inside a sentence.
        where: named in problems.

    Raises:
        StudyError: a line is no Jinja or names something that is no field; every such line is told.
    """
    readers = [reading(variable, phrases.get(name, {})) for name, variable in fields.items()]
    if text is None:
        each = enumerate(zip(fields.values(), readers, strict=True))
        return PersonaTemplate(tuple(fields), tuple(_default_line(i, field, read) for i, (field, read) in each))
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, source in enumerate(text.splitlines(), start=1):
        try:
            line = _compile_line(source, number, list(fields), readers, where)
        except StudyError as e:
            problems += e.problems
            continue
        lines += [line] if line is not None else []
    if problems:
        raise StudyError(problems)
    return PersonaTemplate(tuple(fields), tuple(lines), text)


def _default_line(position: int, variable: CodedVariable, read: Callable[[int], str]) -> Line:
    label = _one_line(variable.text)
    label = label if label else variable.name
    opening = label if _PLAIN_END.search(label) else f"{label}:"
    return Line(position + 1, (position,), lambda codes: f"{opening} {read(codes[0])}")


_ENV = Sandbox()


def _compile_line(
    source: str, number: int, names: list[str], readers: Sequence[Callable[[int], str]], where: str
) -> Line | None:
    place = f"{where}:{number}"
    try:
        used = sorted(meta.find_undeclared_variables(_ENV.parse(source)))
        template = _ENV.compiled(source)
    except TemplateError as e:
        hint = "Each line is a sentence of its own: close every {% %} block on the line that opens it."
        raise StudyError(f"the line is no template: {e.message}.", where=place, hint=hint) from e
    unknown = [name for name in used if name not in names]
    if unknown:
        raise StudyError([_unknown_field(name, names, place) for name in unknown])
    if not source.strip():
        return None
    positions = tuple(names.index(name) for name in used)
    return Line(number, positions, _filler(template, used, [readers[i] for i in positions], place))


def _filler(
    template: Template, names: Sequence[str], readers: Sequence[Callable[[int], str]], place: str
) -> Callable[[Codes], str]:
    def fill(codes: Codes) -> str:
        try:
            values = {name: read(code) for name, read, code in zip(names, readers, codes, strict=True)}
            return render_bounded(template, values)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as e:
            # the values stay out of the message: they are a respondent's
            hint = "Fields are texts in a template: compare them with labels, or turn them with `|int`."
            raise StudyError(f"the line cannot be filled ({type(e).__name__}).", where=place, hint=hint) from e

    return fill


def _unknown_field(name: str, names: Sequence[str], place: str) -> Problem:
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The persona has: {', '.join(names)}."
    return Problem(f"the template uses {name}, which is no field of the persona.", place, hint, code="unknown_field")


def _one_line(text: str) -> str:
    return " ".join(text.split())
