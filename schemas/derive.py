"""Derived fields of a persona: how a new field is made from variables of the file."""

import re
from typing import Any

from pydantic import Field, model_validator

from schemas.strict import Strict

KINDS = ("selected", "recode", "bands", "labels", "number")
"""Keys of which a derived field has exactly one: they say what is made of which variable."""

_CODES = re.compile(r"\s*-?\d+(\.\d+)?(\s*\.\.\s*-?\d+(\.\d+)?)?\s*")


class Derive(Strict):
    """A field made of others: joined boxes or labels, groups of codes, bands of a number, a number as it is told."""

    selected: list[str] | None = Field(None, description="Boxes: variables that are 1 where the box is ticked.")
    refused: str | None = Field(None, description="selected: variable that is 1 where the respondent refused.")
    prefix: dict[str | int, Any] | None = Field(
        None, description="selected: {from: VARIABLE, code: text}, put before the labels; a missing value adds nothing."
    )
    join: str = Field(" and ", description="selected, labels: text between two labels.")
    recode: str | None = Field(
        None, description="Variable whose codes are grouped: `{recode: EDUCATION, 1..3: HS or less, 4..7: College}`."
    )
    codes: dict[str | int, str] = Field(
        default_factory=dict, description="recode: code or range -> text; may stand beside `recode` itself."
    )
    bands: str | None = Field(None, description="Variable with numbers that are cut into bands.")
    at: list[float] = Field(default_factory=list, description="bands: first number of each band but the lowest.")
    names: list[str] | None = Field(
        None, description="bands: one text a band, lowest first; default `under 30`, `30 to 49`, `50 or more`."
    )
    labels: list[str] | None = Field(
        None, description="Variables whose label texts are joined; one that is missing is left out."
    )
    number: str | None = Field(None, description="Variable with numbers, told as `write` says.")
    write: str = Field("{}", description="number: text around it, as in `US$ {} a year`; `{}` stands for the number.")
    decimals: int = Field(0, ge=0, le=6, description="number: digits behind the point.")
    thousands: str = Field("", max_length=1, description='number: sign between thousands, as ",".')
    round_to: float = Field(0, ge=0, description="number: rounded to a multiple of this, as 1000; 0: not rounded.")

    @model_validator(mode="before")
    @classmethod
    def _codes_beside_recode(cls, given: object) -> object:
        """Codes written beside `recode` become `codes`; what is neither code nor key stays, to be refused."""
        if not isinstance(given, dict) or "recode" not in given:
            return given
        beside = {key: value for key, value in given.items() if key not in cls.model_fields and _is_code(key)}
        rest = {key: value for key, value in given.items() if key not in beside}
        codes = rest.get("codes", {})
        return rest | {"codes": codes | beside} if isinstance(codes, dict) else given

    @model_validator(mode="after")
    def _one_kind(self) -> "Derive":
        used = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(used) != 1:
            raise ValueError(f"a derived field needs exactly one of {', '.join(f'`{kind}`' for kind in KINDS)}")
        if self.bands is not None and (not self.at or self.at != sorted(set(self.at))):
            raise ValueError("`bands` needs `at`: numbers that rise, as in `at: [30, 50, 65]`")
        if self.names is not None and len(self.names) != len(self.at) + 1:
            raise ValueError(f"`names` needs {len(self.at) + 1} texts, one more than `at` has numbers")
        if self.recode is not None and not self.codes:
            raise ValueError("`recode` needs codes and what they become, as in `1..3: HS or less`")
        if self.number is not None and self.write.count("{}") != 1:
            raise ValueError("`write` needs `{}` once, where the number goes")
        return self

    @property
    def sources(self) -> list[str]:
        """Variables of the file that the field is made of."""
        single = [name for name in (self.recode, self.bands, self.number) if name is not None]
        boxes = [*(self.selected if self.selected is not None else []), *([self.refused] if self.refused else [])]
        prefix = [str(self.prefix["from"])] if self.prefix is not None and "from" in self.prefix else []
        return [*single, *boxes, *prefix, *(self.labels if self.labels is not None else [])]


def _is_code(key: object) -> bool:
    return isinstance(key, int) or (isinstance(key, str) and (key.startswith(".") or bool(_CODES.fullmatch(key))))
