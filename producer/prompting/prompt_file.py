"""A prompt of the user's own: a Jinja file cut into messages and turns, rendered into pieces.

Lines that hold nothing but [system], [user], [assistant] or [answer] cut the file: the first three open a message,
[answer] is where the model speaks and the next turn begins. A file without such lines is one user message. It may use
persona, question, options (each with code, letter and label), instruction, and in later turns answers[0],
answers[1]. Persona and answers stand as they are: a prompt is rendered once per question, and both are put into the
result, so that nothing in them can act as a template.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Template, TemplateError, meta

from producer.prompting.conversation import Conversation, Turn
from producer.prompting.pieces import CountTokens, Message, Piece, answer_piece, piece_of
from producer.prompting.sandbox import Sandbox, render_bounded
from schemas.errors import Problem, StudyError
from schemas.yaml_shape import did_you_mean

_CUT = re.compile(r"^\[(system|user|assistant|answer)\][ \t]*$", re.MULTILINE)
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(persona|[0-9]+){_CLOSE}")
_PERSONA = f"{_OPEN}persona{_CLOSE}"
NAMES = ("persona", "question", "options", "instruction", "answers")
_SANDBOX = Sandbox()

MAX_TURNS = 12


@dataclass(frozen=True)
class PromptFile:
    """A compiled prompt.

    Attributes:
        turns: messages of each turn: role, line in the file, template.
        where: the file, named in problems.
    """

    turns: tuple[tuple[tuple[str, int, Template], ...], ...]
    where: str
    text: str

    def render(self, values: Mapping[str, object], count: CountTokens, *, has_persona: bool) -> "Rendered":
        """The prompt for one question.

        Args:
            values: question, options, instruction.
            count: tokens of a text.
            has_persona: something is known of the respondent.

        Raises:
            StudyError: it cannot be filled, or does more with persona or answers than to put them in.
        """
        given = {name: _unmarked(value) for name, value in values.items()}
        given["persona"] = _PERSONA if has_persona else ""
        turns = []
        for number, messages in enumerate(self.turns):
            given["answers"] = [f"{_OPEN}{turn}{_CLOSE}" for turn in range(number)]
            turns.append(tuple(self._message(message, given, count) for message in messages))
        return Rendered(tuple(turns))

    def _message(
        self, message: tuple[str, int, Template], given: Mapping[str, object], count: CountTokens
    ) -> "tuple[str, tuple[Piece | None, ...]]":
        role, line, template = message
        place = f"{self.where}:{line}"
        try:
            text = render_bounded(template, given).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as e:
            said = e.message if isinstance(e, TemplateError) and e.message else type(e).__name__
            raise StudyError(f"the prompt cannot be filled: {said}.", where=place) from e
        if _OPEN in _MARK.sub("", text) or _CLOSE in _MARK.sub("", text):
            hint = "Write {{ persona }} and {{ answers[0] }} without filters or slices."
            raise StudyError("the prompt changes the persona or an answer.", where=place, hint=hint)
        parts = _MARK.split(text)
        pieces = [
            (piece_of(part, count) if at % 2 == 0 else None if part == "persona" else answer_piece(int(part)))
            for at, part in enumerate(parts)
            if part
        ]
        return role, tuple(pieces)


@dataclass(frozen=True)
class Rendered:
    """A prompt for one question: per turn its messages; None stands for the persona."""

    turns: tuple[tuple[tuple[str, tuple[Piece | None, ...]], ...], ...]

    def conversation(self, persona: Piece) -> Conversation:
        """The conversation with one respondent."""
        filled = [
            tuple(Message(role, tuple(persona if p is None else p for p in pieces)) for role, pieces in messages)
            for messages in self.turns
        ]
        return Conversation(filled[0], tuple(Turn(messages) for messages in filled[1:]))


def compile_prompt(text: str, *, where: str) -> PromptFile:
    """A prompt ready to render.

    Raises:
        StudyError: no template, a name that is not there, or a turn without a message; every such place is told.
    """
    problems: list[Problem] = []
    turns: list[list[tuple[str, int, Template]]] = [[]]
    for role, line, source in _cut(text):
        if role == "answer":
            turns.append([])
        if source.strip():
            template = _compiled(source, f"{where}:{line}", problems)
            opens = "user" if role == "answer" else role
            turns[-1] += [(opens, line, template)] if template is not None else []
    if len(turns) > 1 and not turns[-1]:
        turns.pop()  # a closing [answer] says what every turn does
    if not problems:
        problems += _shape_problems(turns, where)
    if problems:
        raise StudyError(problems)
    return PromptFile(tuple(map(tuple, turns)), where, text)


def _cut(text: str) -> list[tuple[str, int, str]]:
    """Role, first line and text of each part."""
    found = list(_CUT.finditer(text))
    first = found[0].start() if found else len(text)
    parts = [("user", 1, text[:first])]
    ends = [*(mark.start() for mark in found[1:]), len(text)]
    for mark, end in zip(found, ends, strict=False):  # without a cut there is an end and no mark
        parts.append((mark[1], text.count("\n", 0, mark.start()) + 1, text[mark.end() : end]))
    return parts


def _compiled(source: str, place: str, problems: list[Problem]) -> Template | None:
    try:
        used = sorted(meta.find_undeclared_variables(_SANDBOX.parse(source)))
        template = _SANDBOX.compiled(source)
    except TemplateError as e:
        hint = "Each message is a template of its own: close every {% %} block in the message that opens it."
        problems.append(Problem(f"the prompt is no template: {e.message}.", place, hint, code="prompt_file"))
        return None
    for name in used:
        if name not in NAMES:
            what, hint = f"the prompt uses {name}, which is not there.", did_you_mean(name, list(NAMES))
            problems.append(Problem(what, place, hint, code="unknown_name"))
    return template


def _shape_problems(turns: list[list[tuple[str, int, Template]]], where: str) -> list[Problem]:
    if len(turns) > MAX_TURNS:
        return [Problem(f"the prompt has {len(turns)} turns, {MAX_TURNS} at most.", where, code="prompt_file")]
    return [
        Problem(f"turn {number} of the prompt has no user message.", where, code="prompt_file")
        for number, messages in enumerate(turns, start=1)
        if not any(role == "user" for role, _, _ in messages)
    ]


def _unmarked(value: object) -> object:
    """The value without the two characters that mark places."""
    if isinstance(value, str):
        return value.replace(_OPEN, "").replace(_CLOSE, "")
    if isinstance(value, list):
        return [_unmarked(one) for one in value]
    return {name: _unmarked(one) for name, one in value.items()} if isinstance(value, dict) else value
