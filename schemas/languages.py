"""Interviews in several languages: which respondent is asked in which, and the texts of each."""

from pydantic import Field

from schemas.strict import Strict


class Translation(Strict):
    """One question in another language."""

    text: str | None = Field(None, description="Wording; without it the study's own.")
    stem: str | None = Field(None, description="Wording shared by a battery.")
    answers: dict[int, str] = Field(default_factory=dict, description="Code -> label; codes left out keep theirs.")


class Language(Strict):
    """Texts of one language; what is left out stays as in the study."""

    template: str | None = Field(None, description="Jinja file for the persona, as `persona.template`.")
    fields: dict[str, str] = Field(
        default_factory=dict, description="Field -> its name in a persona without a template."
    )
    phrases: dict[str, dict[int, str]] = Field(
        default_factory=dict, description="Field -> code -> how it reads inside a sentence."
    )
    questions: dict[str, Translation] = Field(default_factory=dict, description="Question -> its translation.")
    system: str | None = Field(None, description="Opening message of every arm.")
    instructions: dict[str, str] = Field(
        default_factory=dict, description="Strategy -> last line of a question, as `basic: Responda solo ...`."
    )


class Languages(Strict):
    """The language of each interview, from a variable of the survey."""

    by: str = Field(description="Variable with the language of the interview.")
    of: dict[int | str, Language] = Field(
        min_length=1, description="Code, or label, of that variable -> texts; everybody else gets the study's own."
    )
