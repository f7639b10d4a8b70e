"""What can go wrong on purpose, how often, and for which calls."""

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from schemas.errors import SettingsError
from schemas.value_words import first_wrong

Shape = TypeVar("Shape", bound=BaseModel)


class Fault(StrEnum):
    """Each is a probability in a faults file, under the same name."""

    KEY_REVOKED = "key_revoked"
    DEPLOYMENT_GONE = "deployment_gone"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    RATE_LIMITED = "rate_limited"
    ERROR_500 = "error_500"
    ERROR_503 = "error_503"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    SLOW = "slow"
    MALFORMED_JSON = "malformed_json"
    EMPTY_CONTENT = "empty_content"
    EMPTY_CHOICES = "empty_choices"
    NULL_CONTENT = "null_content"
    FILTER_PROMPT = "filter_prompt"
    FILTER_ANSWER = "filter_answer"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"


Share = float


class Faults(BaseModel):
    """Probabilities of faults; at most one strikes a call, so they add up to 1 at most.

    Attributes:
        key_revoked: 401 as for a wrong key. deployment_gone: 404 as for an unknown deployment.
        insufficient_quota: 429 that no wait mends. rate_limited: 429 though the quota has room.
        error_500, error_503: before the work. drop_before: connection cut, nothing bought.
        drop_after: connection cut after the work; bought, not delivered.
        slow: the answer comes `slow_s` later. malformed_json: the body ends in its middle.
        empty_content, empty_choices, null_content: a 200 that carries no answer.
        filter_prompt: 400 (a refusal in profile openai). filter_answer: 200, content cut off by the filter.
        refusal: 200, content null. truncated: 200, cut at half, finish_reason length.
        slow_s: seconds that `slow` adds.
        only_containing: only calls whose prompt contains this text; None: all.
        per_call: strikes one client request id this many times at most; None: every attempt draws anew.
        first_arrivals: only this many arrivals, counted since the faults were set; None: no end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_revoked: Share = Field(0.0, ge=0, le=1)
    deployment_gone: Share = Field(0.0, ge=0, le=1)
    insufficient_quota: Share = Field(0.0, ge=0, le=1)
    rate_limited: Share = Field(0.0, ge=0, le=1)
    error_500: Share = Field(0.0, ge=0, le=1)
    error_503: Share = Field(0.0, ge=0, le=1)
    drop_before: Share = Field(0.0, ge=0, le=1)
    drop_after: Share = Field(0.0, ge=0, le=1)
    slow: Share = Field(0.0, ge=0, le=1)
    malformed_json: Share = Field(0.0, ge=0, le=1)
    empty_content: Share = Field(0.0, ge=0, le=1)
    empty_choices: Share = Field(0.0, ge=0, le=1)
    null_content: Share = Field(0.0, ge=0, le=1)
    filter_prompt: Share = Field(0.0, ge=0, le=1)
    filter_answer: Share = Field(0.0, ge=0, le=1)
    refusal: Share = Field(0.0, ge=0, le=1)
    truncated: Share = Field(0.0, ge=0, le=1)
    slow_s: float = Field(30.0, ge=0)
    only_containing: str | None = None
    per_call: int | None = Field(None, ge=0)
    first_arrivals: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _at_most_one_strikes(self) -> "Faults":
        if (total := sum(share for _, share in self.shares())) > 1 + 1e-9:
            raise ValueError(f"the probabilities add up to {total:.3f}, more than 1")
        return self

    def shares(self) -> list[tuple[Fault, float]]:
        """Fault and probability, in the order in which a draw is laid against them."""
        return [(fault, getattr(self, fault.value)) for fault in Fault]

    def pick(self, uniform: float) -> Fault | None:
        """The fault that a uniform number in (0, 1) hits, or None."""
        return next((fault for fault, edge in self._edges if uniform < edge), None)

    @cached_property
    def _edges(self) -> list[tuple[Fault, float]]:
        set_shares = [(fault, share) for fault, share in self.shares() if share > 0]
        edges = accumulate(share for _, share in set_shares)
        return [(fault, edge) for (fault, _), edge in zip(set_shares, edges, strict=True)]


def read_faults(path: Path) -> Faults:
    """Faults from a JSON or YAML file.

    Raises:
        SettingsError: the file cannot be read, is no mapping, or names an unknown fault.
    """
    return parse_faults(read_mapping(path), where=str(path))


def parse_faults(data: Any, *, where: str) -> Faults:  # noqa: ANN401 - anything a JSON body may hold
    """Faults of single calls from decoded JSON or YAML.

    Raises:
        SettingsError: not a mapping of the keys above to numbers in range.
    """
    return checked_faults(Faults, data, list(Fault), kind="faults", where=where)


def checked_faults(shape: type[Shape], data: Any, keys: Iterable[str], *, kind: str, where: str) -> Shape:  # noqa: ANN401
    """Faults of any kind from decoded JSON or YAML.

    Args:
        shape: the model they have to fit.
        data: as decoded.
        keys: what may be named, for the hint.
        kind: what they are called: "batch faults".
        where: who gave them.

    Raises:
        SettingsError: they do not fit.
    """
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        hint = f"{kind.capitalize()}: {', '.join(keys)}."
        raise SettingsError(first_wrong(error), where=where, hint=hint) from error


def read_mapping(path: Path) -> dict[str, Any]:
    """A JSON or YAML file that holds one mapping; an empty file is an empty one.

    Raises:
        SettingsError: unreadable, not YAML, or not a mapping.
    """
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise SettingsError(f"cannot be read: {type(error).__name__}", where=str(path)) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError("holds no mapping of keys to values", where=str(path))
    return data
