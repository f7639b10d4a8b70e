"""Events of a run and the state they fold into. Appended as files, never changed."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.decisions import CountedBefore, Generation, HandedOver, Replaced, TransportChoice
from schemas.models import Model

EventKind = Literal[
    "opened",
    "paused",
    "resumed",
    "cancelled",
    "generation",
    "budget",
    "over_budget",
    "model_stopped",
    "replaced",
    "stopped",
    "environment",
    "finished",
    "transport",
    "transport_chosen",
    "rescued",
    "batch_cancelled",
    "evaluation_asked",
    "evaluated",
    "counted_before",
]


class Event(BaseModel):
    """One decision or fact, in the order of `at`, then `id`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format_no: int = 1
    id: str
    at: AwareDatetime
    kind: EventKind
    data: dict[str, Any] = Field(default_factory=dict)


EvaluationJob = Literal["none", "asked", "done", "failed"]
RunPhase = Literal["planned", "running", "paused", "stopped", "cancelled", "finished"]


class RunState(BaseModel):
    """What the events say about a run.

    Attributes:
        phase: planned and not opened yet; running; paused by a user; stopped by a refusing service or
            environment; cancelled; finished.
        generations: retry generations after the first pass.
        reason: one sentence for paused and stopped.
        exit_code: what a command that follows the run returns in this phase.
        stopped_models: models that no longer answer since the last resume -> exit code (5 refused, 6 unreachable);
            the run goes on with the others and then stops.
        replaced: versions that were rolled back to, in order; the last one of a model answers what is left.
        restart: id of the event of the last resume or retry: what was answered before no longer speaks against a
            version; `counted_before` how much that was, by model, None until a keeper has counted it.
        budget_usd: the newest bound on the bill; None: the study's own.
        priority: turns in the window per turn of a run with priority 1.
        handed_over: batch work that goes on online.
        transports: model -> what `transport: auto` became.
        rescued: models whose batches are given up for a deadline.
        cancelled_batches: numbers of batches that a user gave up.
        late: arm -> answers that came after its deadline, once the run is finished.
        evaluation: the job that scores the run once it is finished or cancelled; `evaluation_note` why it failed,
            `with_report` whether it writes the report, too.
    """

    model_config = ConfigDict(frozen=True)

    phase: RunPhase = "planned"
    generations: list[Generation] = Field(default_factory=list)
    reason: str = ""
    exit_code: int = 0
    stopped_models: dict[str, int] = Field(default_factory=dict)
    replaced: list[Replaced] = Field(default_factory=list)
    restart: str | None = None
    counted_before: dict[str, CountedBefore] | None = None
    budget_usd: float | None = None
    priority: int = 1
    detached: bool = False
    handed_over: list[HandedOver] = Field(default_factory=list)
    transports: dict[str, TransportChoice] = Field(default_factory=dict)
    rescued: list[str] = Field(default_factory=list)
    cancelled_batches: list[int] = Field(default_factory=list)
    late: dict[str, int] = Field(default_factory=dict)
    evaluation: EvaluationJob = "none"
    evaluation_note: str = ""
    with_report: bool = False

    @property
    def is_to_evaluate(self) -> bool:
        """The evaluation was asked for and can be done now."""
        return self.evaluation == "asked" and self.phase in ("finished", "cancelled")

    @property
    def is_active(self) -> bool:
        """Calls may go out."""
        return self.phase == "running"

    @property
    def generation(self) -> int:
        """Number of the newest generation, 0 for the first pass."""
        return self.generations[-1].number if self.generations else 0

    def replacement(self, model: str) -> Replaced | None:
        """What answers for a model of the plan since its version was rolled back."""
        return next((one for one in reversed(self.replaced) if one.model == model), None)

    def is_handed_over(self, model: str, generation: int) -> bool:
        """What is left of a model's batch work in a generation is asked online."""
        return any(moved.model == model and moved.generation == generation for moved in self.handed_over)


def fold(events: Iterable[Event]) -> RunState:
    """The state after all events. A cancelled run stays cancelled; only a new generation reopens a finished one."""
    state = RunState()
    for event in sorted(events, key=lambda e: (e.at, e.id)):
        state = _after(state, event)
    return state


def _after(state: RunState, event: Event) -> RunState:
    if state.phase == "cancelled" and event.kind not in ("generation", "evaluation_asked", "evaluated"):
        return state
    return state.model_copy(update=_AFTER[event.kind](state, event.data | {"at": event.at, "id": event.id}))


Update = dict[str, Any]
_RUNNING: Update = {"phase": "running", "reason": "", "exit_code": 0, "stopped_models": {}}


def _opened(_: RunState, data: Update) -> Update:
    return {
        "phase": "running",
        "detached": bool(data.get("detached")),
        "priority": max(1, int(data.get("priority", 1))),
    }


def _paused(state: RunState, data: Update) -> Update:
    return {} if state.phase == "finished" else {"phase": "paused", "reason": data.get("reason", "")}


def _resumed(state: RunState, data: Update) -> Update:
    return {} if state.phase == "finished" else _RUNNING | _restarted(data)


def _cancelled(state: RunState, data: Update) -> Update:
    if state.phase == "finished":
        return {}
    return {"phase": "cancelled", "reason": data.get("reason", ""), "exit_code": 8}


def _generation(state: RunState, data: Update) -> Update:
    generation = Generation(number=int(data["number"]), outcomes=list(data["outcomes"]))
    if generation.number <= state.generation:
        return {}
    return _RUNNING | {"generations": [*state.generations, generation]} | _restarted(data)


def _restarted(data: Update) -> Update:
    return {"restart": str(data["id"]), "counted_before": None}


def _counted_before(state: RunState, data: Update) -> Update:
    """Of this restart, and the first that counted; which host's clock is ahead does not matter."""
    if state.restart != data["restart"] or state.counted_before is not None:
        return {}
    counts = data["counts"].items()
    return {"counted_before": {str(name): CountedBefore.model_validate(count) for name, count in counts}}


def _budget(_: RunState, data: Update) -> Update:
    usd = data["run_usd"]  # null was `inf` when it was written: the study's own bound holds
    return {"budget_usd": None if usd is None else float(usd)}


def _over_budget(_: RunState, data: Update) -> Update:
    return {"phase": "stopped", "reason": data.get("message", ""), "exit_code": 4}


def _model_stopped(state: RunState, data: Update) -> Update:
    stopped = state.stopped_models | {str(data["model"]): int(data["exit_code"])}
    return {"reason": data.get("message", ""), "stopped_models": stopped}


def _replaced(state: RunState, data: Update) -> Update:
    new = Replaced(model=str(data["model"]), entry=Model.model_validate(data["entry"]), at=data["at"])
    before = state.replacement(new.model)
    if before is not None and before.entry.version == new.entry.version:
        return {}  # two keepers may say the same
    open_ones = {name: code for name, code in state.stopped_models.items() if name != new.model}
    said = {"reason": data["message"]} if "message" in data else {}
    return {"replaced": [*state.replaced, new], "stopped_models": open_ones} | said


def _stopped(state: RunState, data: Update) -> Update:
    if state.phase == "finished":
        return {}
    return {"phase": "stopped", "reason": data.get("message", state.reason), "exit_code": int(data["exit_code"])}


def _environment(_: RunState, data: Update) -> Update:
    return {"phase": "stopped", "reason": data.get("message", ""), "exit_code": 6}


def _finished(_: RunState, data: Update) -> Update:
    late = {str(arm): int(n) for arm, n in data.get("late", {}).items()}
    return {"phase": "finished", "exit_code": int(data.get("exit_code", 0)), "late": late}


def _transport(state: RunState, data: Update) -> Update:
    moved = HandedOver(
        model=str(data["model"]), generation=int(data["generation"]), shards=list(data["shards"]),
        turns_usd=float(data.get("turns_usd", 0.0)),
    )  # fmt: skip
    return {} if state.is_handed_over(moved.model, moved.generation) else {"handed_over": [*state.handed_over, moved]}


def _transport_chosen(state: RunState, data: Update) -> Update:
    choice = TransportChoice.model_validate(data)
    return {} if choice.model in state.transports else {"transports": {**state.transports, choice.model: choice}}


def _rescued(state: RunState, data: Update) -> Update:
    return {"rescued": sorted({*state.rescued, str(data["model"])})}


def _batch_cancelled(state: RunState, data: Update) -> Update:
    return {"cancelled_batches": sorted({*state.cancelled_batches, *map(int, data["numbers"])})}


def _evaluation_asked(_: RunState, data: Update) -> Update:
    return {"evaluation": "asked", "evaluation_note": "", "with_report": bool(data.get("report"))}


def _evaluated(state: RunState, data: Update) -> Update:
    if state.evaluation != "asked":
        return {}
    failed = int(data.get("exit_code", 0)) != 0
    return {"evaluation": "failed" if failed else "done", "evaluation_note": str(data.get("message", ""))}


_AFTER: dict[EventKind, Callable[[RunState, Update], Update]] = {
    "opened": _opened,
    "paused": _paused,
    "resumed": _resumed,
    "cancelled": _cancelled,
    "generation": _generation,
    "budget": _budget,
    "over_budget": _over_budget,
    "model_stopped": _model_stopped,
    "replaced": _replaced,
    "stopped": _stopped,
    "environment": _environment,
    "finished": _finished,
    "transport": _transport,
    "transport_chosen": _transport_chosen,
    "rescued": _rescued,
    "batch_cancelled": _batch_cancelled,
    "evaluation_asked": _evaluation_asked,
    "evaluated": _evaluated,
    "counted_before": _counted_before,
}
