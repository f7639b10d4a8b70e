"""The last line of a question: what the answer should look like. Pure.

One option by its code keeps the strategy's own words. Wordings and their reasons: docs/design/questions.md.
"""

from schemas.answer_format import AnswerFormat
from schemas.codebook import CodedVariable

_WHAT = {"number": "number", "letter": "letter", "label": "words", "json": "number"}
_REASON = "Reason briefly, in two or three sentences, how this person sees the matter. "


def instruction(shape: AnswerFormat, question: CodedVariable) -> str:
    """How to answer a question in a format."""
    if shape.form == "json":
        return f"Answer in JSON{' with a brief reason first' if shape.is_reasoned else ''}: {_wanted(shape, question)}."
    if shape.is_reasoned:
        return f"{_REASON}Then write a last line of the form ANSWER: <{_wanted(shape, question)}>"
    if shape.asked == "open":
        return "Answer in this person's own words, in one or two sentences."
    return f"Answer with {_wanted(shape, question)}{'' if shape.asked == 'several' else ' only'}{_exactly(shape)}."


def _wanted(shape: AnswerFormat, question: CodedVariable) -> str:
    if shape.asked == "single":
        return f"{'' if shape.is_reasoned and shape.form != 'json' else 'the '}{_WHAT[shape.form]} of one option"
    if shape.asked == "several":
        return _several(shape)
    if shape.asked == "numeric":
        unit = f" of {question.unit}" if question.unit else ""
        kind = "a whole number" if question.whole else "a number"
        return f"{kind}{unit} from {question.minimum:g} to {question.maximum:g}"
    return "this person's own words, in one or two sentences"


def _several(shape: AnswerFormat) -> str:
    if shape.form == "json":
        return "the numbers of all options that apply, or an empty list"
    if shape.form == "label":
        return "the words of all options that apply, separated by semicolons, or NONE"
    return f"the {_WHAT[shape.form]}s of all options that apply, separated by commas, or NONE"


def _exactly(shape: AnswerFormat) -> str:
    return ", exactly as written" if shape.form == "label" else ""
