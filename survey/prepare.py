"""A study and its survey file into respondents, codebook and answers; every problem found at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd

from schemas.codebook import Codebook, CodedVariable
from schemas.errors import Problem, StudyError
from schemas.study import Study
from survey.codes.coding import values_seen
from survey.codes.missing import MissingRules, read_missing_rules
from survey.conditions.arm_routes import Routing, route_choices, route_variables
from survey.conditions.respondent_filter import kept_rows
from survey.conditions.routing import routed
from survey.data import SurveyData
from survey.items.question_kinds import code_any_question
from survey.nearest import did_you_mean
from survey.personas.derive import DerivedField, derive_field
from survey.personas.derive_values import derive_values
from survey.personas.fields import code_field
from survey.prepared import Answers, Prepared
from survey.respondents import (
    DESIGN_COLUMNS,
    design_texts,
    id_problems,
    respondent_ids,
    splits,
    unknown_source_variables,
    weight_problems,
    weights,
)

__all__ = ["Answers", "Prepared", "prepare"]


def prepare(study: Study, data: SurveyData) -> Prepared:
    """The survey as this study sees it. Reads nothing and writes nothing.

    Raises:
        StudyError: carries every problem, errors first; `where` is a dotted key of the study.
    """
    rules, problems = read_missing_rules(study.missing, data.variables)
    unknown = unknown_source_variables(study.survey, data)
    kept, found = kept_rows(study, data, rules)
    problems += [*unknown, *found]
    work = _Work(study, data, rules, data.frame[kept].reset_index(drop=True), problems)
    design = pd.DataFrame()
    if not unknown:
        design = work.design(kept_index=data.frame.index[kept])
    fields = work.fields()
    questions, answers = work.questions()
    routes = work.routes(fields)
    problems = sorted(dict.fromkeys(work.problems), key=lambda problem: problem.level != "error")
    if any(problem.level == "error" for problem in problems):
        raise StudyError(problems)
    columns = {name: answer.codes for name, (_, answer) in fields.items()}
    respondents = pd.concat([design, pd.DataFrame(columns, index=design.index)], axis=1)
    codebook = Codebook(questions=questions, fields={name: coded for name, (coded, _) in fields.items()})
    return Prepared(respondents, codebook, answers, tuple([*problems, *_left_out(_told(study, fields))]), routes)


Coded = tuple[CodedVariable, Answers]


@dataclass
class _Work:
    """One preparation: inputs, the respondents' rows, and the problems so far."""

    study: Study
    data: SurveyData
    rules: MissingRules
    frame: pd.DataFrame
    problems: list[Problem] = field(default_factory=list)

    def design(self, kept_index: pd.Index) -> pd.DataFrame:
        source = self.study.survey
        ids = respondent_ids(self.data.frame[source.respondent_id])
        broken = list(id_problems(ids))
        self.problems += broken
        weight = weights(source.weight, self.data, self.frame, self.rules)
        self.problems += weight_problems(weight)
        ids = ids[kept_index].reset_index(drop=True)
        return pd.DataFrame(
            {
                "respondent_id": ids,
                "weight": weight,
                "strata": design_texts(source.strata, self.data, self.frame, self.rules),
                "cluster": design_texts(source.cluster, self.data, self.frame, self.rules),
                "split": splits(ids.fillna(""), self.study.split),
            }
        )

    def fields(self) -> dict[str, Coded]:
        found: dict[str, Coded] = {}
        for name, where in self._field_names().items():
            coded = self._derived(name) if name in self.study.persona.derive else self._plain_field(name, where)
            if coded is not None:
                found[name] = coded
        known = {*self._field_names(), *self.study.persona.phrases}
        for name in sorted(known - self._field_names().keys()):
            hint = did_you_mean(name, self.study.persona.fields)
            what = f"{name} is no field of the persona."
            self.problems.append(Problem(what, f"persona.phrases.{name}", hint, code="phrases_unknown_field"))
        return found

    def routes(self, fields: dict[str, Coded]) -> dict[str, tuple[int, ...]]:
        derived = {name: coded for name, coded in fields.items() if name in self.study.persona.derive}
        routing = Routing(
            replace(self.data, frame=self.frame),
            self.rules,
            {name: variable for name, (variable, _) in derived.items()},
            {name: answers.codes for name, (_, answers) in derived.items()},
        )
        choices, problems = route_choices(self.study, routing)
        self.problems += problems
        return choices

    def _field_names(self) -> dict[str, str]:
        """Field -> dotted key that asks for it: the persona, the arms' match variables, what the evaluation needs."""
        names = dict.fromkeys(self.study.persona.fields, "persona.fields")
        for arm_name, arm in self.study.arms.items():
            for name in arm.match:
                names.setdefault(name, f"arms.{arm_name}.match")
        for name, where in route_variables(self.study).items():
            if name in self.data.variables or name in self.study.persona.derive:  # else the check of the rule tells
                names.setdefault(name, where)
        if self.study.languages is not None:
            names.setdefault(self.study.languages.by, "languages.by")
        wanted = self.study.evaluate
        for name in [*wanted.subgroups, *(one for crossed in wanted.intersections for one in crossed)]:
            names.setdefault(name, "evaluate.subgroups")
        for name in wanted.rich:
            names.setdefault(name, "evaluate.rich")
        return names

    def _plain_field(self, name: str, where: str) -> Coded | None:
        variables = self.data.variables
        if name not in variables:
            hint = did_you_mean(name, [*variables, *self.study.persona.derive])
            what = f"{name} is neither a variable of the survey file nor a derived field."
            self.problems.append(Problem(what, where, hint, code="unknown_variable"))
            return None
        if name in DESIGN_COLUMNS:
            what = f"A field cannot be named {name}: results have a column of that name."
            self.problems.append(Problem(what, where, "Rename the variable in the file.", code="reserved_name"))
            return None
        phrases = self.study.persona.phrases.get(name, {})
        coded = code_field(variables[name], self.frame[name], self.rules, phrases, where=where)
        self.problems += coded.problems
        return coded.variable, coded.answers

    def _derived(self, name: str) -> Coded | None:
        if name in DESIGN_COLUMNS:
            what = f"A field cannot be named {name}: results have a column of that name."
            self.problems.append(Problem(what, f"persona.derive.{name}", code="reserved_name"))
            return None
        spec = self.study.persona.derive[name]
        derive = derive_field if spec.selected is not None else derive_values
        derived = derive(name, spec, self.frame, self.data.variables, self.rules)
        if not isinstance(derived, DerivedField):
            self.problems += derived
            return None
        for source in (one for one in (spec.bands, spec.number) if one is not None):
            self.problems += self.rules.unlabelled(self.data.variables[source], values_seen(self.frame[source]))
        return derived.variable, derived.answers

    def questions(self) -> tuple[dict[str, CodedVariable], dict[str, Answers]]:
        coded_questions: dict[str, CodedVariable] = {}
        answers: dict[str, Answers] = {}
        for name, question in self.study.questions.items():
            coded = code_any_question(name, question, self.data.variables, self.frame, self.rules)
            self.problems += coded.problems
            if coded.variable is None or coded.answers is None:
                continue
            variable, given, problems = routed(self.study, name, self.data, self.frame, self.rules, coded)
            self.problems += [*problems, *_nobody_answered(name, given)]
            coded_questions[name], answers[name] = variable, given
        return coded_questions, answers


def _nobody_answered(name: str, answers: Answers) -> Iterator[Problem]:
    if not (answers.status == "answered").any():
        what = f"No respondent has an answer to {name}."
        yield Problem(what, f"questions.{name}", level="warning", code="nobody_answered")


def _told(study: Study, fields: dict[str, Coded]) -> dict[str, Coded]:
    """Fields that a prompt uses: what only the evaluation needs is told to nobody."""
    names = {*study.persona.fields, *(name for arm in study.arms.values() for name in arm.match)}
    return {name: coded for name, coded in fields.items() if name in names}


def _left_out(fields: dict[str, Coded]) -> Iterator[Problem]:
    counts = {name: int((answers.status != "answered").sum()) for name, (_, answers) in fields.items()}
    parts = [f"{name} {n}" for name, n in counts.items() if n]
    if parts:
        what = f"Personas that say nothing of a field because the respondent's value is missing: {', '.join(parts)}."
        yield Problem(what, "persona.fields", level="note", code="field_missing")
