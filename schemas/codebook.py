"""Codebook types: what a variable's codes mean. Written to codebook.json in a run."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.study import MissingKind

TruthStatus = Literal["answered", "refused", "dont_know", "not_asked", "file_missing"]


class CodedVariable(BaseModel):
    """A question or a field of a run.

    `codes` are answers only, in codebook order; missing codes stand apart. `scale_order` is the scoring order.

    Attributes:
        kind: of a question: single, several (codes), numeric, open. Of a field: single, numeric, text.
        stem: words in front of `text`, shared within a battery; `battery` is its name, "" if there is none.
        forms: code of the form -> wording; empty without a split ballot.
        fixed_last: codes that stay at the end when options are shuffled.
        minimum, maximum, unit: of a numeric question; `whole` if only whole numbers occur.
        coding: code -> words that give an open answer this code; in the order in which they are tried.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    text: str = ""
    kind: Literal["single", "numeric", "text", "several", "open"] = "single"
    scale: Literal["nominal", "ordinal"] = "nominal"
    codes: list[int] = Field(default_factory=list)
    labels: dict[int, str] = Field(default_factory=dict)
    scale_order: list[int] = Field(default_factory=list)
    shown: list[int] = Field(default_factory=list)
    cut: int | None = None
    missing: dict[MissingKind, list[int]] = Field(default_factory=dict)
    missing_labels: dict[int, str] = Field(default_factory=dict)
    stem: str = ""
    battery: str = ""
    forms: dict[int, str] = Field(default_factory=dict)
    fixed_last: list[int] = Field(default_factory=list)
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    whole: bool = False
    coding: dict[int, list[str]] = Field(default_factory=dict)


class Codebook(BaseModel):
    """codebook.json: questions and fields of one run."""

    model_config = ConfigDict(frozen=True)

    format_no: int = 1
    questions: dict[str, CodedVariable]
    fields: dict[str, CodedVariable] = Field(default_factory=dict)
