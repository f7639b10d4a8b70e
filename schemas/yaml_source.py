"""YAML text into plain data that remembers its lines. Text in, values out; reading files is the caller's.

Read as YAML 1.2, so `NO` stays text. Only plain data passes: no tags, no anchors, no directives, bounded in size
and depth. `schemas.yaml_shape` checks the data against a model.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.errors import Problem, StudyError
from schemas.secret_text import shortened

MAX_BYTES = 300_000
"""A study of a hundred questions is some 30 kB; reading takes about 15 microseconds a byte."""

MAX_DEPTH = 20
MAX_PROBLEMS = 50

_CORE = "tag:yaml.org,2002:"
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_HINT_PLAIN = "Write the value out in plain YAML."


@dataclass(frozen=True)
class Source:
    """A YAML file as read.

    Attributes:
        name: file name as shown in messages.
        data: plain dicts, lists, texts, numbers, dates; keys are texts or whole numbers.
        lines: dotted key ("questions.ECON1MOD.scale", list items by position) -> line, from 1.
    """

    name: str
    data: dict[Any, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def where(self, key: str = "") -> str:
        """`study.yaml:14 (questions.ECON1MOD.scale)`; the line of the nearest key above if this one is absent."""
        if not key:
            return self.name
        known = key
        while known and known not in self.lines:
            known = known.rpartition(".")[0]
        line = f":{self.lines[known]}" if known else ""
        return f"{self.name}{line} ({key})"


def read_yaml(text: str, name: str) -> Source:
    """Plain data and lines of a YAML text.

    Args:
        text: the whole file.
        name: file name for messages.

    Raises:
        StudyError: broken YAML, duplicate keys, or anything that is not plain data; every such place is listed
            unless the text cannot be parsed past the first.
    """
    _check_size(text, name)
    node = _compose(text, name)
    if node is None or (isinstance(node, ScalarNode) and node.tag == _CORE + "null"):
        raise StudyError("The file is empty.", where=name)
    if not isinstance(node, MappingNode):
        raise StudyError("The file is not a mapping of keys to values.", where=f"{name}:{_line(node)}")
    reading = _Reading(name)
    data = reading.value(node, "")
    if reading.problems:
        raise StudyError(reading.problems)
    return Source(name, data, reading.lines)


def dotted(path: Sequence[Hashable]) -> str:
    """The dotted key of a path of keys and positions."""
    return ".".join(str(part) for part in path)


def _check_size(text: str, name: str) -> None:
    n_bytes = len(text.encode(errors="replace"))
    if n_bytes > MAX_BYTES:
        raise StudyError(f"The file has {n_bytes:,} bytes; at most {MAX_BYTES:,} are read.", where=name)
    directive = _DIRECTIVE.search(text)
    if directive:
        line = text.count("\n", 0, directive.start()) + 1
        raise StudyError("YAML directives (%) are not read.", where=f"{name}:{line}", hint="Take the line out.")


class _PlainComposer(Composer):
    """Stops at aliases, anchors and deep nesting before anything is built from them."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - signature of the base class
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            raise MarkedYAMLError(problem="anchors and aliases (& and *) are not read", problem_mark=event.start_mark)
        if self.depth >= MAX_DEPTH:
            raise MarkedYAMLError(
                problem=f"the nesting is deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark
            )
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _compose(text: str, name: str) -> Node | None:
    yaml = YAML(typ="rt")
    yaml.Composer = _PlainComposer
    try:
        node: Node | None = yaml.compose(text)
    except MarkedYAMLError as e:
        raise _broken(e, name) from e
    except YAMLError as e:
        position = getattr(e, "position", None)
        line = f":{text.count(chr(10), 0, position) + 1}" if isinstance(position, int) else ""
        raise StudyError("The file holds characters that YAML does not allow.", where=f"{name}{line}") from e
    return node


def _broken(error: MarkedYAMLError, name: str) -> StudyError:
    mark = error.problem_mark if error.problem_mark is not None else error.context_mark
    problem = error.problem if error.problem is not None else "it does not parse"
    hint = ""
    if "end of stream" in problem and error.context_mark is not None:
        mark = error.context_mark
    if r"'\t'" in problem:
        problem, hint = "a tab stands where YAML wants spaces", "Indent with spaces."
    elif "mapping values are not allowed" in problem:
        hint = "Put a text that holds ': ' in quotes."
    elif "another document" in problem:
        problem = "a second document begins ('---')"
    elif "anchors" in problem:
        hint = _HINT_PLAIN
    line = f":{mark.line + 1}" if mark is not None else ""
    return StudyError([Problem(f"The YAML cannot be read: {problem}.", f"{name}{line}", hint, code="broken_yaml")])


class _Reading:
    """One walk over a node tree: data out, lines and problems kept."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []

    def value(self, node: Node, path: str) -> Any:  # noqa: ANN401 - plain data of any kind
        kind = _kind(node)
        if isinstance(node, MappingNode) and kind == "map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and kind == "seq":
            return [self._item(child, path, n) for n, child in enumerate(node.value)]
        if isinstance(node, ScalarNode) and kind in _SCALARS:
            return self._scalar(node, path, kind)
        return self._refuse(node, path, "A tag (!) is not plain data.", _HINT_PLAIN)

    def _item(self, node: Node, path: str, position: int) -> Any:  # noqa: ANN401
        here = f"{path}.{position}"
        self.lines[here] = _line(node)
        return self.value(node, here)

    def _mapping(self, node: MappingNode, path: str) -> dict[Any, Any]:
        data: dict[Any, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            here = f"{path}.{key}" if path else str(key)
            if str(key) in seen:
                what = f"The key {shortened(str(key))} is there twice, first in line {seen[str(key)]}."
                self._refuse(key_node, here, what, "Keep one of them.", "duplicate_key")
                continue
            seen[str(key)] = self.lines[here] = _line(key_node)
            data[key] = self.value(value_node, here)
        return data

    def _key(self, node: Node, path: str) -> str | int:
        if isinstance(node, ScalarNode) and _kind(node) in {"str", "int"}:
            key: str | int = self._scalar(node, path, _kind(node))
            return key
        self._refuse(node, path, "A key is neither text nor a whole number.", "Put it in quotes.")
        return f"line {_line(node)}"

    def _scalar(self, node: ScalarNode, path: str, kind: str) -> Any:  # noqa: ANN401
        try:
            return _SCALARS[kind](node.value)
        except ValueError:
            what = f"{shortened(node.value)} reads like a {_KINDS.get(kind, kind)} and is none."
            return self._refuse(node, path, what, "Put a text in quotes.")

    def _refuse(self, node: Node, path: str, what: str, hint: str, code: str = "not_plain_data") -> None:
        key = f" ({path})" if path else ""
        if len(self.problems) >= MAX_PROBLEMS:
            raise StudyError(self.problems)
        self.problems.append(Problem(what, f"{self.name}:{_line(node)}{key}", hint, code=code))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: Node) -> str:
    """Name of a core YAML kind, "" for any other tag."""
    tag = node.tag if node.tag is not None else ""
    return tag.removeprefix(_CORE) if tag.startswith(_CORE) else ""


def _int(text: str) -> int:
    plain = text.replace("_", "")
    # A leading zero is decimal in YAML 1.2 and an error to int(text, 0).
    return int(plain) if plain.lstrip("+-").isdigit() else int(plain, 0)


def _float(text: str) -> float:
    plain = text.replace("_", "").lower()
    return float(plain.replace(".inf", "inf").replace(".nan", "nan"))


_KINDS = {"int": "whole number", "float": "number", "timestamp": "date", "bool": "true or false"}
_SCALARS: dict[str, Any] = {
    "str": str,
    "int": _int,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
    "timestamp": date.fromisoformat,
}
