"""Questions as a study writes them: the kinds, and which keys each of them takes."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.strict import Strict

QuestionKind = Literal["single", "grid", "select_all", "ticked", "numeric", "open"]


class Coding(Strict):
    """One code for open answers: everybody whose text holds one of the words gets it."""

    label: str = Field(description="What the code means.")
    words: list[str] = Field(min_length=1, description="Words or phrases; case and accents do not count.")


class Forms(Strict):
    """Several wordings of one question, put to different respondents (a split ballot)."""

    by: str = Field(description="Variable that says who got which form.")
    texts: dict[int, str] = Field(min_length=1, description="Code of that variable -> wording.")


class Question(Strict):
    """One survey item, or a battery of them. Labels and text come from the file unless given here."""

    kind: QuestionKind = Field(
        "single",
        description="single: one option. grid: `items` share a stem and options. select_all: any of the `items`. "
        "numeric: a number. open: own words. ticked: one option of a select_all as a yes-no question.",
    )
    text: str | None = Field(None, description="Question wording; default: the file's question text.")
    stem: str | None = Field(None, description="Wording shared with other questions, put before `text`.")
    scale: Literal["nominal", "ordinal"] = Field("nominal", description="ordinal: the codes have an order.")
    order: list[int] | None = Field(None, description="Scoring order of the codes if it is not codebook order.")
    show: list[int] | None = Field(None, description="Order in which options are shown; default codebook order.")
    fixed_last: list[int] = Field(
        default_factory=list, description="Codes that stay at the end when options are shuffled, as `None of these`."
    )
    cut: int | None = Field(None, description="Last code, in scoring order, of the lower side of a binary cut.")
    answers: dict[int, str] | None = Field(None, description="Code -> label; needed where the file has none.")
    ask: Literal["asked", "all"] = Field("asked", description="`all`: a task also for respondents not asked.")
    asked_if: str | None = Field(
        None, description="Rule that says who was asked, as in `USES_NET == 1`; nobody else gets a task."
    )
    forms: Forms | None = Field(None, description="Split ballot: the wording depends on a variable.")
    items: dict[str, str | None] | None = Field(
        None, description="grid, select_all: variable -> its words; without words the file's label."
    )
    one_task: bool = Field(False, description="select_all: one task with several codes instead of one for each item.")
    selected: int = Field(1, description="select_all: code that means ticked.")
    refused: str | None = Field(None, description="select_all: variable that is `selected` where nobody would say.")
    blank: Literal["not_asked", "not_selected"] = Field(
        "not_asked",
        description="select_all: what an empty cell means; not_selected: where the person filled another item.",
    )
    minimum: float | None = Field(None, description="numeric: smallest answer.")
    maximum: float | None = Field(None, description="numeric: largest answer.")
    unit: str = Field("", description="numeric: of what, as in `hours`.")
    bins: list[float] | None = Field(
        None, description="numeric: first values of the second and later bins, which are then shown as options."
    )
    codebook: dict[int, Coding] | None = Field(None, description="open: codes for the texts, most telling first.")
    battery: str | None = Field(None, description="Name of the battery an item belongs to; set by grid and select_all.")

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> "Question":
        for key, kinds in KINDS_OF_KEY.items():
            default = type(self).model_fields[key].get_default(call_default_factory=True)
            if getattr(self, key) != default and self.kind not in kinds:
                raise ValueError(f"`{key}` has a meaning for `kind: {' or '.join(kinds)}` only, not for {self.kind}")
        if self.kind in BATTERIES and not self.items:
            raise ValueError(f"a question of kind {self.kind} needs `items`")
        if self.kind == "numeric" and (self.minimum is None or self.maximum is None):
            raise ValueError("a numeric question needs `minimum` and `maximum`")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("`minimum` must be below `maximum`")
        self._check_bins()
        return self

    def _check_bins(self) -> None:
        if self.bins is None:
            return
        if not self.bins or self.bins != sorted(set(self.bins)):
            raise ValueError("`bins` must list at least one value, each greater than the one before")
        within = (
            self.minimum is None
            or self.maximum is None
            or (self.minimum < self.bins[0] <= self.bins[-1] <= self.maximum)
        )
        if not within:
            raise ValueError("every value of `bins` must lie above `minimum` and not above `maximum`")


BATTERIES = ("grid", "select_all")
"""Kinds that stand for several variables of the file."""

_CHOICE: tuple[QuestionKind, ...] = ("single", "grid")
KINDS_OF_KEY: dict[str, tuple[QuestionKind, ...]] = {
    "order": _CHOICE,
    "show": _CHOICE,
    "scale": _CHOICE,
    "cut": (*_CHOICE, "numeric"),
    "fixed_last": (*_CHOICE, "select_all"),
    "answers": (*_CHOICE, "select_all", "ticked"),
    "items": ("grid", "select_all", "ticked"),
    "forms": ("single", "numeric", "open"),
    "one_task": ("select_all",),
    "selected": ("select_all", "ticked"),
    "refused": ("select_all", "ticked"),
    "blank": ("select_all", "ticked"),
    "minimum": ("numeric",),
    "maximum": ("numeric",),
    "unit": ("numeric",),
    "bins": ("numeric",),
    "codebook": ("open",),
}
"""Key -> kinds that take it; every other key fits all kinds."""
