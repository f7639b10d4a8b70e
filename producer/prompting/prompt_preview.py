"""What a model would be sent for one respondent, question and arm: messages, parameters, tokens. Calls nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from producer.cells import CellBuilder
from producer.check import Checked
from producer.plan import inputs_of
from producer.planning.inputs import PlanInputs
from producer.prompting.memory import Groups, group_conversation
from producer.prompting.pieces import plain
from schemas.errors import UserInputError
from schemas.identity import canonical_json


@dataclass(frozen=True)
class PromptPreview:
    """One request before it is sent.

    Attributes:
        request_id: as in plan.parquet.
        model_name: in the models file; `model_id` is the model's own.
        parameters: on the wire, except messages and model.
        later: messages that each later turn adds; an answer still to come reads `<answer 1>`. A turn without any
            asks the first messages once more.
        prompt_tokens: of the first turn, counted over the whole messages; `planned_tokens` is what the plan sums up
            from parts, over all turns.
        max_tokens: prompt as planned plus the answers' limit, over all turns.
        has_relaxed_examples: few_shot: the examples do not share all `match` variables.
    """

    request_id: str
    model_name: str
    model_id: str
    messages: list[dict[str, str]]
    answer_format: str
    prompt_tokens: int
    planned_tokens: int
    max_tokens: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    has_relaxed_examples: bool = False
    later: list[list[dict[str, str]]] = field(default_factory=list)


def preview(checked: Checked, *, respondent_id: str, question_id: str, arm: str) -> PromptPreview:
    """The request of one task, whether or not the arm would plan it for this respondent.

    Raises:
        UserInputError: no such respondent, question or arm, or the arm imports its answers.
        StudyError: the study has errors.
    """
    return preview_of(inputs_of(checked), respondent_id=respondent_id, question_id=question_id, arm=arm)


def preview_of(inputs: PlanInputs, *, respondent_id: str, question_id: str, arm: str) -> PromptPreview:
    """`preview` from inputs."""
    _known("question", question_id, inputs.study.questions, "--question")
    _known("arm", arm, inputs.study.arms, "--arm")
    position = _position(inputs, respondent_id)
    cell = CellBuilder(inputs).cell(arm, question_id).serving(position)
    if cell.asks is None:
        raise UserInputError(f"the arm {arm} imports its answers: there is no prompt.", where="--arm")
    resolved, prompts = cell.asks
    orders = cell.orders_of(cell.tasks.task_id(canonical_json(respondent_id), 0))
    completion = resolved.completion
    if cell.memory:
        builder, members = CellBuilder(inputs), cell.memory
        group = [builder.cell(cell.arm, name) for name in members]
        found = Groups({one.question.name: [one] for one in group}, {name: builder.truth(name) for name in members})
        split = str(inputs.prepared.respondents["split"].iloc[position])
        asked = found.asked(group[members.index(question_id)], position, split)
        conversation, is_relaxed = group_conversation(asked, position, respondent_id, 0), False
        request, completion, _ = found.request(group[members.index(question_id)], position, respondent_id, split, 0)
    else:
        conversation, is_relaxed = prompts.conversation(position, respondent_id, orders)
        request = prompts.request(position, respondent_id, orders=orders)
    return PromptPreview(
        request_id=request.key.hex(),
        model_name=resolved.model_name,
        model_id=resolved.model.model,
        messages=plain(conversation.first),
        later=[plain(turn.messages) for turn in conversation.later],
        answer_format=resolved.strategy.answer_format,
        prompt_tokens=resolved.exact(plain(conversation.first)),
        planned_tokens=request.prompt_tokens,
        max_tokens=request.prompt_tokens + completion.limit,
        parameters=resolved.parameters,
        has_relaxed_examples=is_relaxed,
    )


def _known(kind: str, name: str, names: Collection[str], option: str) -> None:
    if name in names:
        return
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
    raise UserInputError(f"the study has no {kind} {name}.", where=option, hint=hint)


def _position(inputs: PlanInputs, respondent_id: str) -> int:
    ids = [str(value) for value in inputs.prepared.respondents["respondent_id"]]
    if respondent_id not in ids:
        example = f" One of the {len(ids)} there are: {ids[0]}." if ids else ""
        hint = f"`survey.respondent_id` is {inputs.study.survey.respondent_id}.{example}"
        raise UserInputError(f"there is no respondent {respondent_id}.", where="--respondent", hint=hint)
    return ids.index(respondent_id)
