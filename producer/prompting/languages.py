"""Interviews in the respondent's language: persona, question and instruction from the study's translations.

Answers are read by code, so that they mean the same in every language; which is why `format: label` is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from producer.arms import ModelArm
from producer.load import read_text
from producer.prompting.conversation import Conversation
from producer.prompting.option_orders import Order
from producer.prompting.persona_pieces import codes_of
from producer.prompting.personas import PersonaTemplate, compile_template
from producer.prompting.pieces import Piece
from producer.prompting.prompts import QuestionPrompts, Request
from producer.prompting.strategies import STRATEGIES
from schemas.codebook import CodedVariable
from schemas.languages import Language, Languages
from schemas.study import Study
from survey.prepared import Prepared

Write = Callable[[ModelArm, CodedVariable, int | None], QuestionPrompts]
"""Prompts of an arm for a question with the persona of a language; None: the study's own."""


class LanguagePrompts(QuestionPrompts):
    """Writes the prompts of one arm for one question, each in the respondent's language."""

    def __init__(
        self, own: QuestionPrompts, others: Mapping[int, QuestionPrompts], languages: Sequence[int | None]
    ) -> None:
        """Write for one arm and question.

        Args:
            own: in the study's own language.
            others: code of a language -> prompts in it.
            languages: code by respondent position, None where it is not known.
        """
        self._own = own
        self._others = others
        self._languages = languages

    def conversation(
        self, position: int, respondent_id: str, orders: Sequence[Order] = ()
    ) -> tuple[Conversation, bool]:
        """As in `QuestionPrompts`."""
        return self._spoken(position).conversation(position, respondent_id, orders)

    def request(self, position: int, respondent_id: str, repeat: int = 0, orders: Sequence[Order] = ()) -> Request:
        """As in `QuestionPrompts`."""
        return self._spoken(position).request(position, respondent_id, repeat, orders)

    def question(self, position: int, order: Order) -> tuple[Piece, ...]:
        """As in `QuestionPrompts`."""
        return self._spoken(position).question(position, order)

    def _spoken(self, position: int) -> QuestionPrompts:
        code = self._languages[position]
        return self._own if code is None else self._others.get(code, self._own)


def spoken(
    languages: Languages | None, prepared: Prepared, arm: ModelArm, question: CodedVariable, write: Write
) -> QuestionPrompts:
    """Prompts of an arm for a question in every language of the study."""
    own = write(arm, question, None)
    if languages is None:
        return own
    others = {
        code: write(_arm_in(arm, language), question_in(question, language), code)
        for code, language in by_code(languages, prepared).items()
    }
    return LanguagePrompts(own, others, codes_of(prepared.respondents[languages.by]))


def by_code(languages: Languages, prepared: Prepared) -> dict[int, Language]:
    """Code of the language variable -> texts; keys that are no code or label of it are left out."""
    variable = prepared.codebook.fields[languages.by]
    codes = {label.casefold(): code for code, label in variable.labels.items()}
    known = {*variable.codes, *variable.labels}
    if variable.kind == "numeric":
        known |= {code for code in codes_of(prepared.respondents[languages.by]) if code is not None}
    found: dict[int, Language] = {}
    for key, language in languages.of.items():
        code = codes.get(key.casefold()) if isinstance(key, str) else key
        if code is None and isinstance(key, str) and key.lstrip("-").isdigit():
            code = int(key)
        if code in known and code is not None:
            found[code] = language
    return found


def question_in(question: CodedVariable, language: Language) -> CodedVariable:
    """A question in a language; a translated wording takes the place of every form of a split ballot."""
    given = language.questions.get(question.name)
    if given is None:
        return question
    update: dict[str, object] = {"labels": {**question.labels, **given.answers}}
    if given.text is not None:
        update |= {"text": given.text, "forms": {}}
    if given.stem is not None:
        update |= {"stem": given.stem}
    return question.model_copy(update=update)


def _arm_in(arm: ModelArm, language: Language) -> ModelArm:
    strategy = arm.strategy
    is_plain = strategy.name in STRATEGIES and strategy.instruction == STRATEGIES[strategy.name].instruction
    given = language.instructions.get(strategy.name) if is_plain else None
    system = language.system if language.system is not None and strategy.system else strategy.system
    instruction = strategy.instruction if given is None else given
    return replace(arm, strategy=replace(strategy, system=system, instruction=instruction))


def language_templates(study: Study, prepared: Prepared, folder: Path) -> dict[int, PersonaTemplate]:
    """Code of each language -> persona template with its phrases.

    Raises:
        StudyError: a file is missing or a line of it is wrong.
    """
    if study.languages is None:
        return {}
    return {
        code: _template(study, language, prepared, folder)
        for code, language in by_code(study.languages, prepared).items()
    }


def _template(study: Study, language: Language, prepared: Prepared, folder: Path) -> PersonaTemplate:
    fields = {name: prepared.codebook.fields[name] for name in study.persona.fields}
    said = {
        name: field.model_copy(update={"text": language.fields.get(name, field.text)}) for name, field in fields.items()
    }
    phrases = study.persona.phrases | language.phrases
    file = language.template if language.template is not None else study.persona.template
    if file is None:
        return compile_template(None, said, phrases)
    return compile_template(read_text(folder / file), said, phrases, where=file)
