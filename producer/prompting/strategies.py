"""Strategies: how a persona and a question become messages, and how the answer is to be read.

Pure: texts in, messages out. The system message is the same for a whole arm and stands first, so that services which
cache prompts can; then come the examples, then the respondent. Choices and their reasons: docs/design/plan.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from producer.prompting.pieces import CountTokens, Message, Piece, piece_of, uncounted
from providers.families import COMPLETION_LOGPROBS
from schemas.answer_format import LETTERS
from schemas.codebook import CodedVariable
from schemas.models import Family
from schemas.study import Arm

SEAM = "\n\n"
"""Between persona and question."""


@dataclass(frozen=True)
class Strategy:
    """A way to ask.

    Attributes:
        system: opening message.
        instruction: last line of every question.
        answer_format: "number" (nothing but a code) or "answer_line" (a last line `ANSWER: <code>`); further ones
            where a question or arm asks for another, see `schemas.answer_format`.
        low_tokens: completion tokens of a terse answer; of each turn, if there are several.
        expected_tokens: completion tokens planned for.
        high_tokens: completion tokens of a long answer where the parameters set no limit.
        parameters: wire parameters that it needs, over the model's and under the arm's.
        stages: asked one after the other before the question, each in a turn of its own.
    """

    name: str
    system: str
    instruction: str
    answer_format: str
    low_tokens: int
    expected_tokens: int
    high_tokens: int
    stages: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_turns(self) -> int:
        """Calls that one request takes."""
        return 1 + len(self.stages)


_SYSTEM = (
    "You are taking part in a survey as the person described below. "
    "Answer as this person would answer, from this person's point of view."
)
_NUMBER_ONLY = "Answer with the number of one option only."

INTERVIEW_SYSTEM = (
    "You are a person who is being interviewed for a survey. Your answers so far are the real ones of this person. "
    "Answer the next question as the same person would answer it."
)
"""Of arms whose persona is an interview."""

_LOGPROBS = {"logprobs": True, "top_logprobs": 20}

STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("basic", _SYSTEM, _NUMBER_ONLY, "number", 1, 2, 16),
        Strategy(
            "chain_of_thought",
            _SYSTEM,
            "Reason briefly, in two or three sentences, how this person sees the matter. "
            "Then write a last line of the form ANSWER: <number of one option>",
            "answer_line",
            40,
            110,
            600,
        ),
        Strategy(
            "few_shot",
            "You are taking part in a survey, each time as the person described in the message. "
            "Answer as this person would answer, from this person's point of view. "
            "The answers of the first persons are real ones.",
            _NUMBER_ONLY,
            "number",
            1,
            2,
            16,
        ),
        Strategy("logprobs", _SYSTEM, _NUMBER_ONLY, "logprobs", 1, 2, 16, parameters=_LOGPROBS),
        Strategy("template", "", _NUMBER_ONLY, "number", 1, 2, 16),
        Strategy("repeats", _SYSTEM, _NUMBER_ONLY, "number", 1, 2, 16),
        Strategy(
            "stated",
            _SYSTEM,
            "Say how likely this person is to choose each option: one line of JSON with the number of every option and "
            'its probability in percent, as in {"1": 60, "2": 40}. Write nothing else.',
            "stated",
            10,
            40,
            160,
        ),
    )
}
"""By the name used in a study."""

STAGES = (
    "Before any question is put: who is this person probably? Describe in three or four sentences how such a person "
    "is likely to live and what matters to them.",
    "What are the times like for this person?{period} Say in three or four sentences what is going on in the country "
    "and around them, and how it touches them.",
)
"""Of chain_of_thought with `stages: 3`: the person, the times; then comes the question."""


def wanted_parameters(strategy: Strategy, family: Family) -> Mapping[str, Any]:
    """Wire parameters that a strategy needs of a family."""
    if family == "completion" and "top_logprobs" in strategy.parameters:
        return {**strategy.parameters, "top_logprobs": COMPLETION_LOGPROBS}
    return strategy.parameters


DEFAULT_SAMPLES = 10
"""Of an arm with `strategy: repeats` that says no number."""


def n_samples(arm: Arm) -> int:
    """Samples that become the one distribution of a task; 1 for every other strategy."""
    if arm.strategy != "repeats":
        return 1
    return DEFAULT_SAMPLES if arm.repeats is None else arm.repeats


def n_repeats(arm: Arm) -> int:
    """Tasks for each respondent and question."""
    return 1 if arm.repeats is None or arm.strategy == "repeats" else arm.repeats


def strategy_of(arm: Arm, *, field_period: str | None = None) -> Strategy:
    """How an arm asks.

    Args:
        arm: names a strategy.
        field_period: when the survey was in the field, told in the stage on the times.
    """
    assert arm.strategy is not None, "an arm with a model has a strategy"
    strategy = STRATEGIES[arm.strategy]
    if arm.layout == "interview":
        strategy = replace(strategy, system=INTERVIEW_SYSTEM)
    if arm.strategy == "template" and arm.last_line:
        reasoned = STRATEGIES["chain_of_thought"]
        return replace(reasoned, name="template", system="")
    if arm.strategy == "chain_of_thought" and arm.stages == 3:
        period = "" if field_period is None else f" The interview takes place in this period: {field_period}."
        return replace(strategy, stages=tuple(stage.format(period=period) for stage in STAGES))
    return strategy


class Example(NamedTuple):
    """Another respondent's persona and real answer."""

    persona: Piece
    answer: Piece


def question_text(
    question: CodedVariable,
    instruction: str,
    *,
    order: Sequence[int] | None = None,
    form: str = "number",
    text: str | None = None,
) -> str:
    """A question as shown: its text, one line per option, the instruction.

    Args:
        question: text and labels.
        instruction: last line.
        order: codes in the order shown; None: the question's own.
        form: what stands before a label: `number` and `json` its code, `letter` A, B, ... by place, `label` a dash.
        text: another wording than the question's own.
    """
    shown = question.shown if order is None else order
    lines = [f"Question: {worded(question, text)}"]
    lines += [f"{_mark(form, code, place)} {option_label(question, code)}" for place, code in enumerate(shown)]
    return "\n".join([*lines, instruction])


def worded(question: CodedVariable, text: str | None = None) -> str:
    """The words of a question on one line, its battery's stem first; `text` None: its own."""
    wording = question.text if text is None else text
    return _one_line(" ".join(part for part in (question.stem, wording) if part))


def _mark(form: str, code: int, place: int) -> str:
    if form == "letter":
        return f"{LETTERS[place]}."
    return "-" if form == "label" else f"{code}."


def option_label(question: CodedVariable, code: int) -> str:
    """What stands beside a code: its label on one line, or the code itself."""
    return _one_line(question.labels.get(code, str(code)))


def persona_text(persona: str) -> str:
    """A persona as it stands before a question; "" if nothing is known of the respondent."""
    return persona + SEAM if persona else ""


class Ask(NamedTuple):
    """What a user message asks: pieces before and after the persona."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]

    def message(self, persona: Piece) -> Message:
        """The message for one person."""
        return Message("user", (*self.before, persona, *self.after))


def messages_of(system: Piece, ask: Ask, persona: Piece, examples: Sequence[Example] = ()) -> tuple[Message, ...]:
    """The conversation: system, each example as an earlier question and answer, the respondent.

    Args:
        system: the strategy's opening message.
        ask: the question around the persona.
        persona: piece of `persona_text`; likewise in the examples.
        examples: in the order shown.
    """
    if not examples:
        return (Message("system", (system,)), ask.message(persona))
    messages = [Message("system", (system,))]
    for example in examples:
        messages += [ask.message(example.persona), Message("assistant", (example.answer,))]
    return (*messages, ask.message(persona))


def compose(
    strategy: Strategy,
    persona: str,
    question: CodedVariable,
    examples: Sequence[tuple[str, int]] = (),
    count: CountTokens = uncounted,
) -> tuple[Message, ...]:
    """One conversation from plain values.

    Args:
        strategy: how to ask.
        persona: as rendered, without a seam.
        question: with its options in shown order.
        examples: (persona, code) of other respondents, in order.
        count: token counter of the model, if the counts matter.
    """
    shown = [Example(piece_of(persona_text(text), count), piece_of(str(code), count)) for text, code in examples]
    return messages_of(
        piece_of(strategy.system, count),
        Ask((), (piece_of(question_text(question, strategy.instruction), count),)),
        piece_of(persona_text(persona), count),
        shown,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
