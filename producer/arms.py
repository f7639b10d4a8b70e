"""Arms that call a model, resolved: strategy, wire parameters, identity, token counts, who and what they cover."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from producer.identity_text import RequestIdentity
from producer.planning.estimate import Completion, completion_of, size_limit
from producer.planning.transports import planned_transport
from producer.prompting.strategies import Strategy, strategy_of, wanted_parameters
from providers.families import is_deterministic, output_limit_tokens, wire_parameters
from providers.service import service_identity
from providers.tokens import TokenCounter
from schemas.errors import StudyError
from schemas.identity import canonical_json
from schemas.models import Model
from schemas.study import Arm


class ChatCounter:
    """Tokens of texts and of what the chat format puts around them, for one model id."""

    def __init__(self, model_id: str) -> None:
        self._counter = TokenCounter(model_id)
        self.margin = self._counter.margin

    def count(self, text: str) -> int:
        """Tokens of one text."""
        return self._counter.count(text)

    def exact(self, messages: list[dict[str, str]]) -> int:
        """Prompt tokens of whole messages, nothing taken apart."""
        return self._counter.exact_chat_tokens(messages)

    @cache  # noqa: B019 - a handful of counters live as long as the plan
    def overhead(self, n_messages: int) -> int:
        """Tokens of that many messages without content: a system message, then user and assistant in turn."""
        return self.exact([{"role": _role(i), "content": ""} for i in range(n_messages)])


def _role(position: int) -> str:
    if position == 0:
        return "system"
    return "user" if position % 2 else "assistant"


@dataclass(frozen=True)
class ModelArm:
    """One way to ask a model.

    Attributes:
        parameters: on the wire, except messages and model.
        parameters_json: the same as canonical JSON.
        is_deterministic: identical requests may be shared between respondents.
    """

    name: str
    arm: Arm
    strategy: Strategy
    model_name: str
    model: Model
    parameters: Mapping[str, Any]
    parameters_json: str
    is_deterministic: bool
    identity: RequestIdentity
    counter: ChatCounter
    completion: Completion

    @property
    def transport(self) -> str:
        """online, batch, or auto where both are possible and the run chooses when it opens."""
        return planned_transport(self.arm, self.model)

    @property
    def is_completion(self) -> bool:
        """Prompts are one text, without anything that the chat format adds."""
        return self.model.family == "completion"

    def overhead(self, n_messages: int) -> int:
        """Tokens that the format adds for so many messages."""
        return 0 if self.is_completion else self.counter.overhead(n_messages)

    def exact(self, messages: list[dict[str, str]]) -> int:
        """Prompt tokens of whole messages, nothing taken apart."""
        return self.counter.count(messages[0]["content"]) if self.is_completion else self.counter.exact(messages)

    @property
    def prompt_room_tokens(self) -> float:
        """Largest prompt that the context window and a whole minute of the largest quota pool can hold."""
        window = self.model.context_window_tokens
        in_window = float("inf") if window is None else float(window - self.completion.limit_of_turn)
        per_minute, counts_maxima = size_limit(self.model)
        return min(in_window, per_minute - (self.completion.limit_of_turn if counts_maxima else 0))

    @property
    def uses_examples(self) -> bool:
        """Its prompts show other respondents' answers."""
        return self.strategy.name == "few_shot"


def model_arm(
    name: str,
    arm: Arm,
    models: Mapping[str, Model],
    counters: dict[str, ChatCounter],
    *,
    field_period: str | None = None,
) -> ModelArm:
    """Resolve an arm that names a model.

    Args:
        name: of the arm.
        arm: names model and strategy.
        models: by name.
        counters: by model id; filled as needed, so that arms of one model share theirs.
        field_period: when the survey was in the field; some strategies tell it.

    Raises:
        StudyError: the model is not in the models file.
    """
    if arm.model is None or arm.strategy is None or arm.model not in models:
        known = ", ".join(models)
        raise StudyError(f"there is no model {arm.model}.", where=f"arms.{name}", hint=f"There are: {known}.")
    model, strategy = models[arm.model], strategy_of(arm, field_period=field_period)
    parameters = wire_parameters(
        model.family, {**model.parameters, **wanted_parameters(strategy, model.family), **arm.parameters}
    )
    shared = is_deterministic(model.family, parameters)
    if model.model not in counters:
        counters[model.model] = ChatCounter(model.model)
    return ModelArm(
        name=name,
        arm=arm,
        strategy=strategy,
        model_name=arm.model,
        model=model,
        parameters=parameters,
        parameters_json=canonical_json(parameters),
        is_deterministic=shared,
        identity=RequestIdentity(
            service=service_identity(model),
            model_id=model.model,
            parameters=parameters,
            is_deterministic=shared,
        ),
        counter=counters[model.model],
        completion=completion_of(
            strategy, is_reasoning=model.family == "reasoning", limit=output_limit_tokens(parameters)
        ),
    )
