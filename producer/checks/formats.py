"""Checks of answer formats and option orders: what arms, questions and models do not allow together."""

from collections import Counter
from collections.abc import Iterator, Mapping

from producer.checks.arms import questions_of
from producer.checks.groups import group_problems
from producer.prompting.option_orders import option_orders
from producer.prompting.strategies import strategy_of
from producer.question_arms import answer_tokens
from providers.families import LIMIT_NAMES, output_limit_tokens
from schemas.answer_format import LETTERS, MOST_ENUM_VALUES, AnswerFormat, answer_format
from schemas.codebook import CodedVariable
from schemas.errors import Problem
from schemas.models import Model
from schemas.study import Arm, Study
from schemas.word_codes import folded
from schemas.yaml_source import Source

_ORDERS = ("shuffle_options", "reverse_options", "permutations")
_OF_MODELS = ("format", "memory", *_ORDERS)
_CHARACTERS_PER_TOKEN = 4


def format_problems(
    study: Study, source: Source, models: Mapping[str, Model], questions: Mapping[str, CodedVariable] | None
) -> Iterator[Problem]:
    """What is wrong with formats and orders.

    Args:
        study: with batteries expanded.
        source: where it was written.
        models: of the models file; {} if it could not be read.
        questions: of the codebook; None if it could not be made.
    """
    yield from group_problems(study, source)
    for name, arm in study.arms.items():
        if arm.imported is not None:
            yield from _without_effect(name, arm, source)
            continue
        yield from _together(name, arm, source)
        asked = [questions[q] for q in questions_of(arm, study)] if questions is not None else []
        for question in asked:
            yield from _question(name, arm, question, source)
        if arm.model in models:
            yield from _room(name, arm, models[str(arm.model)], asked, source)


def _without_effect(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    for key in _OF_MODELS:
        if key in arm.model_fields_set and getattr(arm, key):
            what = f"`{key}` has no effect in the arm {name}, which imports its answers."
            yield Problem(what, source.where(f"arms.{name}.{key}"), level="warning", code="no_effect")


def _together(name: str, arm: Arm, source: Source) -> Iterator[Problem]:
    """Keys of one arm that exclude each other."""
    pairs = (
        ("permutations", "shuffle_options", "averages over the same orders for everybody"),
        (
            "reverse_options",
            "shuffle_options",
            "draws the order already; `shuffle_options: direction` reverses for half",
        ),
    )
    for first, second, why in pairs:
        if getattr(arm, first) and getattr(arm, second):
            what = f"`{first}` and `{second}` exclude each other in the arm {name}: one of them {why}."
            yield Problem(what, source.where(f"arms.{name}.{first}"), "Keep one of the two.", code="orders_together")
    if arm.permutations is None:
        return
    where = source.where(f"arms.{name}.permutations")
    if arm.strategy == "repeats":
        what = f"`permutations` and `strategy: repeats` exclude each other in the arm {name}: both are samples."
        yield Problem(what, where, "Use `shuffle_options` with repeats.", code="orders_together")
    if arm.stages > 1 or arm.memory:
        key = "stages" if arm.stages > 1 else "memory"
        what = f"`permutations` and `{key}` exclude each other in the arm {name}: turns are used by both."
        yield Problem(what, where, "Use `shuffle_options`.", code="orders_together")


def _question(name: str, arm: Arm, question: CodedVariable, source: Source) -> Iterator[Problem]:
    shape = answer_format(arm, question)
    n = len(question.codes)
    where = source.where(f"arms.{name}.format")
    if shape.form == "letter" and n > len(LETTERS):
        what = f"{question.name} has {n} options, more than there are letters."
        yield Problem(what, where, "Use another `format`.", code="format_too_many_options")
    if shape.form == "json" and shape.asked in ("single", "several") and n > MOST_ENUM_VALUES:
        what = f"{question.name} has {n} options; structured output takes {MOST_ENUM_VALUES} at most."
        yield Problem(what, where, "Use another `format`.", code="format_too_many_options")
    if shape.form == "label":
        yield from _labels(shape, question, where)
    if shape.asked == "open" and arm.strategy == "few_shot":
        what = f"the few_shot arm {name} would show other people's own words on {question.name}."
        hint = "Leave the question out of this arm with `questions`."
        yield Problem(what, source.where(f"arms.{name}.strategy"), hint, code="few_shot_open")
    yield from _order(name, arm, question, source)


def _labels(shape: AnswerFormat, question: CodedVariable, where: str) -> Iterator[Problem]:
    alike = [label for label, n in Counter(map(folded, question.labels.values())).items() if n > 1]
    if alike:
        what = f"two options of {question.name} read '{alike[0]}' but for case and accents."
        yield Problem(what, where, "Use another `format`.", code="format_labels_alike")
    if shape.asked == "several" and any(
        ";" in label or label.strip().casefold() == "none" for label in question.labels.values()
    ):
        what = f"an item of {question.name} holds a semicolon or is called NONE, which separate and end lists."
        yield Problem(what, where, "Use another `format`, or other words.", code="format_label_in_list")


def _order(name: str, arm: Arm, question: CodedVariable, source: Source) -> Iterator[Problem]:
    if question.scale == "ordinal" and arm.shuffle_options is True:
        what = f"{question.name} is a scale, and the arm {name} shuffles its options."
        hint = "`shuffle_options: direction` keeps the scale and shows it to half of the respondents backwards."
        yield Problem(what, source.where(f"arms.{name}.shuffle_options"), hint, "warning", "scale_shuffled")
    if arm.permutations is None:
        return
    where = source.where(f"arms.{name}.permutations")
    if question.kind != "single":
        what = f"`permutations` has no effect on {question.name}, which is no single choice."
        yield Problem(what, where, level="warning", code="no_effect")
        return
    orders = option_orders(arm, question).fixed
    free = len(question.codes) - len(question.fixed_last)
    if free > 1 and len(orders) % free:
        what = f"{len(orders)} orders of the {free} options of {question.name} show some of them first more often."
        yield Problem(what, where, "`permutations: rotate` shows each first once.", "warning", "orders_uneven")


def _room(name: str, arm: Arm, model: Model, asked: list[CodedVariable], source: Source) -> Iterator[Problem]:
    """Limits too low for the longest answer; of plain codes the strategy's own check tells."""
    limit = output_limit_tokens({**model.parameters, **arm.parameters})
    if limit is None or arm.strategy is None:
        return
    for question in asked:
        shape = answer_format(arm, question)
        if shape.form == "number" and shape.asked in ("single", "numeric"):
            continue
        reasons = strategy_of(arm).expected_tokens if shape.is_reasoned else 0
        wanted = reasons + answer_tokens(shape, question, _about).expected
        if limit < wanted:
            key = next(key for key in LIMIT_NAMES if key in {**model.parameters, **arm.parameters})
            what = f"{limit} tokens are fewer than an answer to {question.name} usually takes ({wanted})."
            hint = f"Give the arm {name} at least {2 * wanted}."
            yield Problem(what, source.where(f"arms.{name}.parameters.{key}"), hint, "warning", "output_limit_low")
            return


def _about(text: str) -> int:
    return len(text) // _CHARACTERS_PER_TOKEN + 1
