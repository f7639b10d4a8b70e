"""The study file: survey, missing codes, split, persona, questions, arms, evaluation, reuse, queue.

Shape only. `schemas.yaml_shape` turns a broken shape into problems with file and line; what needs the survey
file is checked by `producer.check`. Keys whose feature is not built yet are refused by name, see `NOT_BUILT_YET`.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from schemas.deadline import check_deadline
from schemas.derive import Derive
from schemas.evaluate import Evaluate
from schemas.experiment import Experiment
from schemas.languages import Languages
from schemas.on_failure import OnFailure
from schemas.question import Question
from schemas.strict import Strict
from schemas.survey_source import SurveySource

MissingKind = Literal["refused", "dont_know", "not_asked", "file_missing"]
CodeValue = int | str
"""A code, or a range such as "-7..-5"."""

NOT_BUILT_YET: dict[str, str] = {
    "arms.*.fallback": "fallback models",
}
"""Dotted key (* for any name) -> what it would switch on. Named in the error, never silently accepted."""


def _checked_deadline(text: str) -> str:
    check_deadline(text)
    return text


Deadline = Annotated[str, AfterValidator(_checked_deadline)]
"""A time of day with a zone, or one moment."""

ArmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$")]
"""An arm's name stands in file names, columns and commands."""


StrategyName = Literal[
    "basic", "chain_of_thought", "few_shot", "logprobs", "repeats", "stated", "probabilities", "template"
]


class MissingRule(Strict):
    """Codes of one variable that are no answer. `keep` lists codes that look missing and are answers."""

    refused: list[CodeValue] = Field(default_factory=list, description="The respondent would not say.")
    dont_know: list[CodeValue] = Field(default_factory=list, description="The respondent could not say.")
    not_asked: list[CodeValue] = Field(default_factory=list, description="The question was not put.")
    file_missing: list[CodeValue] = Field(default_factory=list, description="The file has no value.")
    keep: list[CodeValue] = Field(
        default_factory=list, description="Codes that look missing and are answers, as 98 for `98+`."
    )


class Split(Strict):
    """Shares of respondents held out, by hash of seed and respondent id."""

    by: Literal["respondent", "row"] = Field(
        "respondent",
        description="All rows of a respondent share a split. `row` draws one for each of their answers, so that people "
        "stand in training and in test: only for a study that replicates one which did so.",
    )
    replicates: str | None = Field(None, min_length=1, description="With `by: row`: the study that is replicated.")
    test: float = Field(0.2, ge=0, lt=1, description="Share of respondents in the test split.")
    validation: float = Field(0.1, ge=0, lt=1, description="Share of respondents in the validation split.")
    seed: int = Field(42, description="Another seed gives another split.")

    @model_validator(mode="after")
    def _leave_some_for_training(self) -> "Split":
        if self.test + self.validation >= 1:
            raise ValueError("test and validation together must leave a share for training")
        return self

    @model_validator(mode="after")
    def _only_replications_leak(self) -> "Split":
        if self.by == "row" and self.replicates is None:
            raise ValueError(
                "`by: row` puts people into training and test at once; it is there to replicate a study that did so: "
                "name it with `replicates`, or use `by: respondent`"
            )
        if self.by == "respondent" and self.replicates is not None:
            raise ValueError("`replicates` goes with `by: row`")
        return self


class Persona(Strict):
    """What the model is told about a respondent."""

    fields: list[str] = Field(min_length=1, description="Variables or derived fields, in order.")
    derive: dict[str, Derive] = Field(
        default_factory=dict, description="New field -> how it is made from variables of the file."
    )
    phrases: dict[str, dict[int, str]] = Field(
        default_factory=dict, description="Field -> code -> how it reads inside a sentence."
    )
    template: str | None = Field(None, description="Jinja file beside the study; one line is one sentence.")
    templates: dict[str, str] = Field(
        default_factory=dict, description="Name -> another such file; an arm takes it with `persona: NAME`."
    )


class RouteStep(Strict):
    """A step of a route."""

    when: str | None = Field(None, description="Rule such as `EDUCATION >= 5`; the last step has none.")
    arm: str = Field(description="Arm that answers where the rule is the first that holds.")


class Arm(Strict):
    """One way to answer: a model with a strategy, a route over other arms, or imported predictions."""

    model: str | None = Field(None, description="Name in the models file.")
    strategy: StrategyName | None = Field(
        None,
        description="basic: the answer only. chain_of_thought: reasons first. few_shot: with other people's answers. "
        "Probabilities: logprobs reads them off the first answer token, repeats counts `repeats` samples, stated asks "
        "for percentages, probabilities takes the first of these that the model allows. template: your own `prompt`.",
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="Wire parameters over the model's own.")
    respondents: Literal["all", "train", "validation", "test"] = Field(
        "all", description="Only respondents of this split."
    )
    questions: list[str] | None = Field(None, description="Only these questions.")
    stages: Literal[1, 3] = Field(
        1,
        description="chain_of_thought: 3 asks in three turns: who this person probably is, what the times are like, "
        "the question.",
    )
    examples: int = Field(3, ge=1, le=50, description="few_shot: number of examples.")
    match: list[str] = Field(
        default_factory=list, description="few_shot: variables that examples share, most important first."
    )
    prompt: str | None = Field(None, description="template: Jinja file beside the study with the messages.")
    last_line: bool = Field(
        False, description="template: the answer is read from a last line `ANSWER: ...`, not from the whole reply."
    )
    persona: str | None = Field(None, description="One of `persona.templates`; default: `persona.template`.")
    layout: Literal["persona_first", "question_first", "interview"] = Field(
        "persona_first",
        description="question_first: the question stands before the persona, so that services can cache it. interview: "
        "the persona's fields are earlier questions with the respondent's answers.",
    )
    repeats: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None,
        description="So many tasks for each respondent and question, default 1. With `strategy: repeats`, samples that "
        "become one distribution, default 10.",
    )
    format: Literal["number", "label", "letter", "json"] = Field(
        "number", description="What stands for an option in the answer; json: structured output with the codes."
    )
    shuffle_options: bool | Literal["direction"] = Field(
        False,
        description="true: options in an order of each respondent's own. direction: forwards for half of them, else "
        "backwards.",
    )
    reverse_options: bool = Field(False, description="Options, and so the scale, shown backwards to everybody.")
    permutations: Annotated[int, Field(ge=2, le=24)] | Literal["rotate"] | None = Field(
        None,
        description="Asked in so many fixed orders, averaged into one distribution; rotate: every option once first.",
    )
    memory: bool = Field(
        False, description="Questions of a group are asked one after the other: the model sees its earlier answers."
    )
    route: Annotated[list[RouteStep], Field(min_length=1)] | None = Field(
        None, description="Each respondent is answered by the arm of the first step that holds; costs nothing more."
    )
    imported: str | None = Field(None, alias="import", description="CSV of earlier predictions, relative to the study.")
    suffix: str = Field("_LLM", description="import: column of a question is its id plus this.")
    transport: Literal["online", "batch", "auto"] = Field(
        "online",
        description="batch: through the Batch API, at its price and within its time. auto: whichever is cheapest and "
        "meets the deadline, chosen when the run opens.",
    )
    deadline: Deadline | None = Field(
        None, description="batch: when the answers are needed, as in `06:30 America/New_York` or ISO with an offset."
    )
    retry: Literal["batch", "online"] = Field(
        "batch", description="batch: how requests that failed or went missing are asked again."
    )
    rescue: Literal["wait", "pay_twice"] = Field(
        "wait", description="batch, near its deadline: wait for cancelled batches first, or ask online at once."
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Arm":
        if sum(source is not None for source in (self.imported, self.model, self.route)) != 1:
            raise ValueError("an arm needs either `model` with `strategy`, or `route`, or `import`")
        if self.model is not None and self.strategy is None:
            raise ValueError("an arm with a model needs a `strategy`")
        if (self.strategy == "template") != (self.prompt is not None):
            raise ValueError("`strategy: template` and `prompt` need each other")
        if self.model is None and self.strategy is not None:
            raise ValueError("an arm with `import` or `route` has no `strategy`")
        return self


class Reuse(Strict):
    """Which earlier answers may serve this run."""

    scope: Literal["none", "study", "store"] = Field("study", description="Runs whose answers may serve.")
    max_age_days: float = Field(7, gt=0, description="Older answers are bought again; in days.")


class Budget(Strict):
    """How much a run may cost at most."""

    run_usd: float | None = Field(None, gt=0, description="Bound on the run's bill in US$; None: no bound.")
    month_usd: float | None = Field(
        None,
        gt=0,
        description="Bound in US$ on the bill of all runs of the store in the calendar month (UTC), hosting and "
        "training of tuned models included.",
    )


class Privacy(Strict):
    """What is refused to protect respondents."""

    k: int | None = Field(
        None, ge=2, description="Respondents that must share every persona; with fewer the study is refused."
    )
    allow: list[str] = Field(
        default_factory=list,
        description="Persona fields that look like names, addresses, numbers or free texts, and are told on purpose.",
    )


class Queue(Strict):
    """How requests are cut into shards."""

    shard_size: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = Field(
        "auto", description="Requests a queue message stands for; 1 gives a message per prediction."
    )


class Study(Strict):
    """A whole study."""

    study: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$", description="Name; run ids begin with it.")
    survey: SurveySource = Field(description="Where the real answers are.")
    missing: dict[str, MissingRule] = Field(
        default_factory=dict,
        description="Per variable; `default` for all others, where file or study label the code so: never for numbers.",
    )
    split: Split = Field(default_factory=Split, description="Which respondents are held out.")
    persona: Persona = Field(description="What the model is told about a respondent.")
    questions: dict[str, Question] = Field(min_length=1, description="Variable -> survey item.")
    languages: Languages | None = Field(None, description="Interviews in other languages than the study's.")
    groups: dict[str, list[str]] = Field(
        default_factory=dict, description="Name -> questions that arms with `memory` ask in one conversation, in order."
    )
    arms: dict[ArmName, Arm] = Field(default_factory=dict, description="Name -> one way to answer.")
    experiment: Experiment | None = Field(None, description="Factors to be crossed into further arms.")
    evaluate: Evaluate = Field(default_factory=Evaluate, description="How the evaluation is done.")
    reuse: Reuse = Field(default_factory=Reuse, description="Which earlier answers may serve this run.")
    budget: Budget = Field(default_factory=Budget, description="Bound on the bill.")
    privacy: Privacy = Field(default_factory=Privacy, description="What is refused to protect respondents.")
    queue: Queue = Field(default_factory=Queue, description="How requests are cut into shards.")
    on_failure: OnFailure = Field(
        default_factory=lambda: OnFailure.model_validate({}),
        description="When the version in service of a registered model fails in the run.",
    )
    field_period: str | date | None = Field(
        None, description="When the survey was in the field; shown, and told to the model by the stage on the times."
    )

    @model_validator(mode="after")
    def _some_arm(self) -> "Study":
        if not self.arms and self.experiment is None:
            raise ValueError("a study needs `arms` or an `experiment`")
        return self
