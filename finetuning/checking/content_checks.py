"""What should not stand in a training text: personal data, keys, special tokens, marks in the wrong place. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from finetuning.checking.file_lines import Example
from schemas.completion_form import SEPARATOR, STOP
from schemas.errors import Problem
from schemas.secret_text import looks_secret

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_PHONE = re.compile(
    r"(?<![\d.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<!\d)\+\d{1,3}(?:[ .()/-]{0,2}\d){7,12}(?!\d)"
    r"|(?<![\d.-])0\d{2,4}[ /]\d{6,8}(?!\d)"
)
"""North American; international with its plus; national with a leading 0, as in Europe."""
_SPECIAL = re.compile(r"<\|[A-Za-z0-9_]{2,40}\|>|</s>|\[/?INST\]|<</?SYS>>")
"""Of the services' own models, and of the open ones behind compatible services."""
MOST_UPPER = 0.3
_LEAST_LETTERS = 40
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that no text has: tabs and ends of lines are none of them."""

_FOUND = {
    "email": ("the line holds an e-mail address.", "Take personal data out."),
    "phone": ("the line holds a telephone number.", "Take personal data out."),
    "key": ("the line holds something that looks like a key.", "Take it out, and revoke it."),
    "special_token": ("the line spells a special token.", "The service reads it as an order, not as text."),
    "control_character": ("the line holds a control character, such as NUL.", "`--fix` takes it out."),
}


class PieceFacts(NamedTuple):
    """What is known of one line of text; texts share most of theirs, so each is looked at once."""

    n_tokens: int
    n_letters: int
    n_upper: int
    found: tuple[str, ...]


def piece_facts(text: str, count: Callable[[str], int]) -> PieceFacts:
    """Look at one line of text."""
    found = []
    if "@" in text and _EMAIL.search(text):
        found.append("email")
    if _PHONE.search(text):
        found.append("phone")
    if looks_secret(text):
        found.append("key")
    if _SPECIAL.search(text):
        found.append("special_token")
    if not text.isprintable() and CONTROL.search(text):
        found.append("control_character")
    letters, upper = sum(map(str.isalpha, text)), sum(map(str.isupper, text))
    return PieceFacts(count(text), letters, upper, tuple(found))


def text_facts(text: str, facts: Callable[[str], PieceFacts]) -> PieceFacts:
    """Facts of a text of several lines, a token counted for each line feed.

    Args:
        text: any.
        facts: of one line; most lines have been seen before, so it should remember them.
    """
    tokens = letters = upper = 0
    found: tuple[str, ...] = ()
    for line in text.split("\n"):
        one = facts(line)
        tokens += one[0] + 1
        letters += one[1]
        upper += one[2]
        if one[3]:
            found += one[3]
    return PieceFacts(tokens, letters, upper, found)


def content_problems(example: Example, facts: list[PieceFacts], name: str) -> Iterator[Problem]:
    """Problems of one line's texts; what was found is never repeated.

    Args:
        example: the line.
        facts: of each of its texts.
        name: of the file.
    """
    where = f"{name}:{example.line}"
    for code in sorted({code for one in facts for code in one.found}):
        what, hint = _FOUND[code]
        yield Problem(what, where, hint, "warning" if code == "control_character" else "error", code)
    letters, upper = sum(one.n_letters for one in facts), sum(one.n_upper for one in facts)
    if letters >= _LEAST_LETTERS and upper > MOST_UPPER * letters:
        what = f"{upper / letters:.0%} of its letters are capitals."
        yield Problem(what, where, "Models read ordinary writing better.", "warning", "upper_case")
    if example.is_chat and example.answer != example.answer.strip():
        hint = "The model would learn it as part of the answer; `--fix` takes it off."
        yield Problem("there is blank space around the answer.", where, hint, "warning", "untrimmed_answer")
    if not example.is_learned:
        hint = "Give it weight 1, or leave it out, and the earlier answers 0."
        what = "the last answer has weight 0: only earlier ones are learned."
        yield Problem(what, where, hint, "warning", "last_not_learned")
    if not example.is_chat:
        yield from _older(example, where)


def _older(example: Example, where: str) -> Iterator[Problem]:
    prompt, answer = example.prompt[0], example.answer
    if not prompt.endswith(SEPARATOR):
        hint = f"End every prompt with {SEPARATOR!r}; `--fix` does."
        yield Problem("the prompt does not end in the separator.", where, hint, code="no_separator")
    if SEPARATOR in prompt.removesuffix(SEPARATOR):
        yield Problem("the separator stands inside the prompt.", where, code="separator_inside")
    if not answer.startswith(" "):
        hint = "Tokens begin with their blank; `--fix` adds it."
        yield Problem("the completion has no blank before it.", where, hint, code="no_leading_space")
    if not answer.endswith(STOP):
        hint = f"End every completion with {STOP!r}, and stop there when asking; `--fix` adds it."
        yield Problem("the completion does not end in the stop mark.", where, hint, code="no_stop_mark")
    if STOP in answer.removesuffix(STOP):
        yield Problem("the stop mark stands inside the completion.", where, code="stop_inside")
