"""Batteries: a grid, or a select-all of separate tasks, as the questions that it stands for. Pure."""

from collections.abc import Mapping

from schemas.question import Question
from schemas.study import Arm, Study

_OF_GRID = ("scale", "order", "show", "fixed_last", "cut", "answers", "ask", "asked_if")
_OF_SELECT_ALL = ("answers", "ask", "asked_if", "selected", "refused", "blank", "items")


class NameTakenError(ValueError):
    """An item of a battery has the name of another question."""

    def __init__(self, item: str, battery: str) -> None:
        super().__init__(f"{item} of the battery {battery} is a question of the study already")
        self.item = item
        self.battery = battery


def expanded(study: Study) -> Study:
    """The study with every battery replaced by its items, in its place; doing it twice changes nothing.

    Arms and groups that name a battery then name its items.

    Raises:
        NameTakenError: likewise.
    """
    items = {name: _items(name, question) for name, question in study.questions.items()}
    questions: dict[str, Question] = {}
    for name, found in items.items():
        for item, question in found.items():
            if item in questions or (item != name and item in study.questions):
                raise NameTakenError(item, name)
            questions[item] = question
    if list(questions) == list(study.questions):
        return study
    members = {name: list(found) for name, found in items.items()}
    arms = {name: _arm(arm, members) for name, arm in study.arms.items()}
    groups = {name: _listed(listed, members) for name, listed in study.groups.items()}
    return study.model_copy(update={"questions": questions, "arms": arms, "groups": groups})


def _items(name: str, battery: Question) -> dict[str, Question]:
    if battery.kind == "grid":
        return {item: _item(name, battery, "single", words, _OF_GRID) for item, words in _named(battery)}
    if battery.kind == "select_all" and not battery.one_task:
        return {item: _item(name, battery, "ticked", words, _OF_SELECT_ALL) for item, words in _named(battery)}
    return {name: battery}


def _named(battery: Question) -> list[tuple[str, str | None]]:
    return list((battery.items if battery.items is not None else {}).items())


def _item(name: str, battery: Question, kind: str, words: str | None, keys: tuple[str, ...]) -> Question:
    kept = {key: getattr(battery, key) for key in keys}
    stem = " ".join(part for part in (battery.stem, battery.text) if part)
    return Question.model_validate({"kind": kind, "stem": stem or None, "text": words, "battery": name, **kept})


def _arm(arm: Arm, members: Mapping[str, list[str]]) -> Arm:
    if arm.questions is None:
        return arm
    return arm.model_copy(update={"questions": _listed(arm.questions, members)})


def _listed(names: list[str], members: Mapping[str, list[str]]) -> list[str]:
    return [item for name in names for item in members.get(name, [name])]
