"""Cells: every arm for every question it covers, with what is needed to make its tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from producer.arms import ChatCounter, ModelArm, model_arm
from producer.cell import Cell, remembered
from producer.identity_text import TaskIdentity
from producer.planning.inputs import PlanInputs
from producer.planning.transports import planned_transport
from producer.prompting.examples import ExampleIndex, MatchKeys
from producer.prompting.interview import Interview
from producer.prompting.languages import spoken
from producer.prompting.option_orders import option_orders
from producer.prompting.own_prompts import OwnPrompts
from producer.prompting.persona_pieces import PersonaPieces, PersonaTexts, codes_of
from producer.prompting.prompts import ExampleSource, QuestionPrompts
from producer.prompting.strategies import n_repeats, n_samples
from producer.question_arms import for_question
from producer.true_answers import TrueAnswers
from schemas.codebook import CodedVariable
from schemas.errors import Problem, StudyError
from schemas.identity import unit_draw
from schemas.study import Arm
from survey.split import splits_for

PersonaKey = tuple[str | None, int | None]
"""Template and language of a persona; None: the study's own."""


class CellBuilder:
    """Makes the cells of a study; personas, token counters and match keys are shared between them."""

    def __init__(self, inputs: PlanInputs) -> None:
        self._inputs = inputs
        self._ids: list[str] = [str(value) for value in inputs.prepared.respondents["respondent_id"]]
        own = PersonaTexts(inputs.template, inputs.prepared.respondents)
        self._texts: dict[PersonaKey, PersonaTexts] = {(None, None): own}
        self._counters: dict[str, ChatCounter] = {}
        self._pieces: dict[tuple[str, PersonaKey, bool], PersonaPieces] = {}
        self._interviews: dict[str, Interview] = {}
        self._keys: dict[str, MatchKeys] = {}
        self._arms: dict[str, ModelArm] = {}
        self._truth: dict[str, TrueAnswers] = {}
        self._cells: dict[tuple[str, str], Cell] = {}
        self._rolled: dict[str, frozenset[int]] = {}
        self.problems: list[Problem] = []

    def truth(self, question_id: str) -> TrueAnswers:
        """Human answers of one question."""
        if question_id not in self._truth:
            self._truth[question_id] = TrueAnswers.of(self._inputs.prepared.answers[question_id])
        return self._truth[question_id]

    def cells(self) -> dict[str, list[Cell]]:
        """Question -> its cells in arm order, questions in study order.

        Raises:
            StudyError: an arm cannot be asked; every reason found.
        """
        cells = {question_id: self._cells_of(question_id) for question_id in self._inputs.study.questions}
        if self.problems:
            raise StudyError(list(dict.fromkeys(self.problems)))  # an arm's own problem shows once
        return cells

    def cell(self, arm_name: str, question_id: str) -> Cell:
        """One cell.

        Raises:
            StudyError: it cannot be asked.
        """
        if (arm_name, question_id) not in self._cells:
            self._cells[arm_name, question_id] = self._made(arm_name, self._inputs.study.arms[arm_name], question_id)
        return self._cells[arm_name, question_id]

    def _made(self, name: str, arm: Arm, question_id: str) -> Cell:
        if arm.route is not None:
            steps = [self.cell(step.arm, question_id) for step in arm.route]
            return self._cell(name, arm, question_id, route=(steps, self._inputs.prepared.routes[name]))
        if arm.imported is not None:
            return self._import_cell(name, arm, question_id)
        cell = self._model_cell(name, arm, question_id)
        model = self._inputs.models.get(arm.model) if arm.model is not None else None
        if model is None or model.rollout is None:
            return cell
        if arm.memory or planned_transport(arm, model) == "batch":
            hint = "`nightpoll models rollout NAME --version V --share 0%` ends the rollout."
            what = f"{arm.model} is being rolled out, which arms with memory or in batches do not follow."
            raise StudyError(what, where=f"arms.{name}", hint=hint)
        other = self._model_cell(name, arm.model_copy(update={"model": model.rollout.model}), question_id)
        return replace(cell, rollout=(other, self._rolled_out(str(arm.model), model.rollout.share)))

    def _rolled_out(self, model: str, share: float) -> frozenset[int]:
        """Positions of a share of respondents: always the same ones, and a larger share holds a smaller one's."""
        if model not in self._rolled:
            taken = (i for i, who in enumerate(self._ids) if unit_draw("rollout", model, who) < share)
            self._rolled[model] = frozenset(taken)
        return self._rolled[model]

    def persona(self, position: int) -> str:
        """The persona of one respondent as it stands before a question; "" if nothing is known."""
        return self._texts[None, None].text(position)

    def _cells_of(self, question_id: str) -> list[Cell]:
        cells = []
        for name, arm in self._inputs.study.arms.items():
            if not self._covers(name, arm, question_id):
                continue
            try:
                cells.append(self.cell(name, question_id))
            except StudyError as e:
                self.problems += e.problems
        return cells

    def _covers(self, name: str, arm: Arm, question_id: str) -> bool:
        if arm.questions is not None and question_id not in arm.questions:
            return False
        sources = [name] if arm.route is None else [step.arm for step in arm.route]
        imports = [self._inputs.imports[one] for one in sources if one in self._inputs.imports]
        return all(question_id in imported.answers for imported in imports)

    def _import_cell(self, name: str, arm: Arm, question_id: str) -> Cell:
        return self._cell(name, arm, question_id, imported=self._inputs.imports[name].answers[question_id])

    def _model_cell(self, name: str, arm: Arm, question_id: str) -> Cell:
        key = f"{name}\x1f{arm.model}"
        if key not in self._arms:
            period = self._inputs.study.field_period
            self._arms[key] = model_arm(
                name,
                arm,
                self._inputs.models,
                self._counters,
                field_period=None if period is None else str(period),
            )
        question = self._inputs.prepared.codebook.questions[question_id]
        n_orders = max(1, len(option_orders(arm, question).fixed)) * n_samples(arm)
        if arm.prompt is not None:
            n_orders *= len(self._inputs.prompts[arm.prompt].turns)
        resolved = for_question(self._arms[key], question, n_orders=n_orders)
        languages, write = self._inputs.study.languages, partial(self._prompts, name, arm)
        prompts = spoken(languages, self._inputs.prepared, resolved, question, write)
        return self._cell(name, arm, question_id, asks=(resolved, prompts))

    def _prompts(
        self, name: str, arm: Arm, resolved: ModelArm, question: CodedVariable, language: int | None
    ) -> QuestionPrompts:
        forms = self.truth(question.name).forms
        if arm.prompt is not None:
            prompt = self._inputs.prompts[arm.prompt]
            return OwnPrompts(resolved, question, self._personas(resolved, language, bare=True), prompt, forms)
        examples = self._examples(name, arm, question.name) if resolved.uses_examples else None
        interview = self._interview(resolved) if arm.layout == "interview" else None
        return QuestionPrompts(resolved, question, self._personas(resolved, language), examples, forms, interview)

    def _cell(
        self,
        name: str,
        arm: Arm,
        question_id: str,
        *,
        asks: tuple[ModelArm, QuestionPrompts] | None = None,
        imported: Mapping[str, str] | None = None,
        route: tuple[Sequence[Cell], Sequence[int]] | None = None,
    ) -> Cell:
        study = self._inputs.study
        question = self._inputs.prepared.codebook.questions[question_id]
        return Cell(
            arm=name,
            question=question,
            orders=option_orders(arm, question),
            split=None if arm.respondents == "all" else arm.respondents,
            includes_not_asked=study.questions[question_id].ask == "all",
            tasks=TaskIdentity(study=study.study, arm=name, question_id=question_id),
            asks=asks,
            imported=imported,
            n_samples=n_samples(arm),
            n_repeats=n_repeats(arm),
            memory=remembered(study, arm, question_id),
            route=route,
        )

    def _personas(self, arm: ModelArm, language: int | None, *, bare: bool = False) -> PersonaPieces:
        """Pieces of the arm's personas; `bare`: without the seam before a question."""
        chosen = (arm.arm.persona, language)
        if chosen not in self._texts:
            self._texts[chosen] = PersonaTexts(
                self._inputs.template_of(arm.arm, language), self._inputs.prepared.respondents
            )
        texts, key = self._texts[chosen], (arm.model.model, chosen, bare)
        if key not in self._pieces:
            keep = any(other.strategy == "few_shot" for other in self._inputs.study.arms.values())
            self._pieces[key] = PersonaPieces(texts.bare if bare else texts.text, arm.counter.count, keep=keep)
        return self._pieces[key]

    def _interview(self, arm: ModelArm) -> Interview:
        model_id, prepared = arm.model.model, self._inputs.prepared
        if model_id not in self._interviews:
            self._interviews[model_id] = Interview(
                prepared.codebook.fields,
                self._inputs.study.persona.fields,
                prepared.respondents,
                arm.counter.count,
            )
        return self._interviews[model_id]

    def _examples(self, name: str, arm: Arm, question_id: str) -> ExampleSource:
        study = self._inputs.study
        truth = self.truth(question_id)
        if name not in self._keys:
            self._keys[name] = self._match_keys(arm)
        candidates = self._candidates(truth, question_id)
        if not candidates:
            hint = "Leave a share of the split for training, or leave the question out of this arm."
            raise StudyError(
                f"no training respondent answered {question_id}: there is no example to show.",
                where=f"arms.{name}",
                hint=hint,
            )
        index = ExampleIndex(candidates, self._keys[name], wanted=arm.examples)
        return ExampleSource(index, truth.real, ("examples", study.split.seed, name, question_id))

    def _candidates(self, truth: TrueAnswers, question_id: str) -> list[int]:
        splits = splits_for(question_id, self._inputs.prepared.respondents, self._inputs.study.split)
        trained = (i for i, split in enumerate(splits) if split == "train" and truth.real[i] is not None)
        by_id: Callable[[int], str] = self._ids.__getitem__
        return sorted(trained, key=by_id)

    def _match_keys(self, arm: Arm) -> MatchKeys:
        frame = self._inputs.prepared.respondents
        columns = [codes_of(frame[variable]) for variable in arm.match]
        rows = list(zip(*columns, strict=True)) if columns else [()] * len(frame)
        return MatchKeys.of(rows, len(arm.match))
