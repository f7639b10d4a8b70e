"""Which codes of a variable are no answer, by the study's rules and the file's own declarations.

A blank cell is `not_asked`. A code is missing if, in this order: the variable's own rule says so (`keep` says it is
an answer); the default rule lists it and the file labels it as such; the file declares it user-missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from schemas.errors import Problem
from schemas.study import MissingKind, MissingRule
from survey.codes.code_sets import CodeSet, CodeSetError, code_set
from survey.codes.missing_labels import missing_kind
from survey.data import Code, Variable
from survey.formats.tagged_missing import is_tagged
from survey.nearest import did_you_mean

KINDS: tuple[MissingKind, ...] = ("refused", "dont_know", "not_asked", "file_missing")
DEFAULT = "default"


@dataclass(frozen=True)
class _Sets:
    kinds: dict[MissingKind, CodeSet]
    keep: CodeSet

    def kind(self, code: Code) -> MissingKind | None:
        return next((kind for kind, codes in self.kinds.items() if code in codes), None)


_NOTHING = _Sets({}, CodeSet(frozenset()))


@dataclass(frozen=True)
class MissingRules:
    """The `missing` part of a study, read once; see `read_missing_rules`."""

    default: _Sets
    own: dict[str, _Sets]

    def missing_codes(
        self, variable: Variable, codes: Iterable[Code], *, answers: Mapping[int, str] | None = None
    ) -> dict[Code, MissingKind]:
        """Code -> kind for those of `codes` that are no answer.

        Args:
            variable: as the file describes it.
            codes: the labelled codes and the values seen.
            answers: the study's own labels of a question. Where the file has none, the default rule then takes
                every code that is not among them or that they label as missing; None for everything else.
        """
        found: dict[Code, MissingKind] = {}
        for code in codes:
            kind = self._kind(variable, code, answers)
            if kind is not None:
                found[code] = kind
        return found

    def own_missing(self, variable: Variable, codes: Iterable[Code]) -> dict[Code, MissingKind]:
        """The same without the default rule: for ids, weights, strata and clusters."""
        return MissingRules(_NOTHING, self.own).missing_codes(variable, codes)

    def is_kept(self, name: str, code: Code) -> bool:
        """The study says that this code is an answer although it looks missing."""
        own = self.own.get(name, _NOTHING)
        return code in own.keep or (own.kind(code) is None and code in self.default.keep)

    def _kind(self, variable: Variable, code: Code, answers: Mapping[int, str] | None) -> MissingKind | None:
        own = self.own.get(variable.name, _NOTHING)
        if code in own.keep:
            return None
        kind = own.kind(code)
        if kind is not None:
            return kind
        if code in self.default.keep:
            return None
        kind = self.default.kind(code)
        if kind is not None and _default_applies(variable, code, answers):
            return kind
        if variable.is_declared_missing(code):
            return missing_kind(variable.labels.get(code, "")) or "file_missing"
        return None

    def unlabelled(self, variable: Variable, seen: Mapping[Code, int]) -> Iterator[Problem]:
        """Codes that the default lists and that stay values, since a file without labels cannot say that they are none.

        Args:
            variable: a number, a text or a field of the persona; a question's own `answers` settle it for the others.
            seen: value -> respondents.
        """
        found = [code for code in seen if self.default.kind(code) is not None and not variable.labels]
        missing = self.missing_codes(variable, found)
        for code in found:
            kind = self.default.kind(code)
            if code in missing or self.is_kept(variable.name, code):
                continue
            yield Problem(
                f"{variable.name}: {code} of {seen[code]} respondents stays a value: missing.{DEFAULT} lists it, and "
                "the file has no label for it.",
                f"missing.{DEFAULT}",
                f"Add `{kind}: [{code}]` under missing.{variable.name}; `keep: [{code}]` there if it is a value.",
                level="warning",
                code="default_not_applied",
            )

    def undeclared(self, variable: Variable) -> dict[Code, MissingKind]:
        """Labelled codes that read like a missing answer and that nobody declares so; code -> kind."""
        missing = self.missing_codes(variable, variable.labels)
        kinds = {code: missing_kind(label) for code, label in variable.labels.items() if code not in missing}
        return {c: kind for c, kind in kinds.items() if kind is not None and not self.is_kept(variable.name, c)}

    def doubtful(self, variable: Variable) -> Iterator[Problem]:
        """Labelled codes that read like a missing answer, or that the default lists, and that stay answers."""
        undeclared = self.undeclared(variable)
        for code, kind in undeclared.items():
            yield _undeclared(variable.name, code, variable.labels[code], kind)
        missing = self.missing_codes(variable, variable.labels)
        for code, label in variable.labels.items():
            is_open = code not in missing and code not in undeclared and not self.is_kept(variable.name, code)
            if is_open and self.default.kind(code) is not None:
                yield Problem(
                    f"{variable.name}: {code} is labelled '{label}' and stays an answer, though the default lists it.",
                    f"missing.{DEFAULT}",
                    f"If it is no answer, say so under missing.{variable.name}.",
                    level="note",
                    code="default_not_applied",
                )


def _default_applies(variable: Variable, code: Code, answers: Mapping[int, str] | None) -> bool:
    if is_tagged(code):
        return True
    if variable.labels:
        label = variable.labels.get(code)
        return label is not None and (missing_kind(label) is not None or variable.is_declared_missing(code))
    if answers is None:
        return False
    return not isinstance(code, int) or code not in answers or missing_kind(answers[code]) is not None


def _undeclared(name: str, code: Code, label: str, kind: MissingKind) -> Problem:
    return Problem(
        f"{code} of {name} is labelled '{label}', which reads like no answer, and is not declared missing.",
        f"missing.{name}",
        f"Add `{kind}: [{code}]` there, or under missing.{DEFAULT} for all variables that label it so; "
        f"`keep: [{code}]` if it is an answer.",
        level="error" if kind in {"refused", "dont_know"} else "warning",
        code="undeclared_missing",
    )


def read_missing_rules(
    rules: Mapping[str, MissingRule], variables: Mapping[str, Variable]
) -> tuple[MissingRules, list[Problem]]:
    """The study's rules ready for use, and what is wrong with them."""
    problems: list[Problem] = []
    sets: dict[str, _Sets] = {}
    for name, rule in rules.items():
        where = f"missing.{name}"
        if name != DEFAULT and name not in variables:
            what = f"{name} is no variable of the survey file."
            problems.append(Problem(what, where, did_you_mean(name, variables), code="unknown_variable"))
        try:
            sets[name] = _Sets({kind: code_set(getattr(rule, kind)) for kind in KINDS}, code_set(rule.keep))
        except CodeSetError as e:
            problems.append(Problem(f"{name}: {e}.", where, code="missing_range"))
            continue
        problems += _claimed_twice(name, sets[name])
    return MissingRules(sets.pop(DEFAULT, _NOTHING), sets), problems


def _claimed_twice(name: str, sets: _Sets) -> Iterator[Problem]:
    named = {**{str(kind): codes for kind, codes in sets.kinds.items()}, "keep": sets.keep}
    claims: dict[Code, list[str]] = {}
    for kind, codes in named.items():
        for code in sorted(codes.singles, key=str):
            claims.setdefault(code, []).append(kind)
    for code, kinds in claims.items():
        if len(kinds) > 1:
            what = f"{name}: {code} stands under {' and '.join(kinds)}."
            yield Problem(what, f"missing.{name}", "Leave it under one of them.", code="missing_twice")
