"""Fenced blocks of a documentation page, and what each of them is for.

The first word after the fence is the language, further words say what becomes of the block:

    sh                    run, in order with the others of the page
    sh another-terminal   started beside the others; the page goes on when it listens
    sh no-run             needs a service, Docker or much time: its command lines are only parsed
    sh exits=2            run; ends with this code
    python                run
    yaml file=NAME        written to NAME
    text output           must be what the block before it printed, numbers aside
    anything else         shown; YAML is parsed
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SHELLS = ("sh", "python")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        line: of its fence, from 1.
        language: first word after the fence.
        words: further words.
        text: what stands inside, without the fence's own indent.
    """

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def kind(self) -> str:
        """run, background, no-run, file, output or shown."""
        if self.value("file") is not None:
            return "file"
        if self.language in _SHELLS:
            return {"no-run": "no-run", "another-terminal": "background"}.get("".join(self.words[:1]), "run")
        return "output" if "output" in self.words else "shown"

    def value(self, name: str) -> str | None:
        """What stands behind `name=`; None if nothing does."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), None)


def blocks_of(page: Path) -> list[Block]:
    """All of a page, in order."""
    text = page.read_text("utf-8")
    return [_block(page, text, found) for found in _FENCE.finditer(text)]


def _block(page: Path, text: str, found: re.Match[str]) -> Block:
    indent, language, words, inside = found.groups()
    lines = [line.removeprefix(indent) for line in inside.splitlines(keepends=True)]
    return Block(page, text.count("\n", 0, found.start()) + 1, language, tuple(words.split()), "".join(lines))


_RUN_ID = re.compile(r"[\w-]+-\d{8}-\d{6}-[0-9a-f]{4}")
_NUMBER = re.compile(r"[\d][\d.,:%-]*")


def gist(text: str) -> str:
    """A line or an output with numbers, ids, rules of tables and blanks made alike."""
    text = re.sub(r"\S*/runs/", "runs/", _RUN_ID.sub("RUN", text))
    text = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{10}\b", "#", text)
    return re.sub(r"[\s━╇┃│]+", " ", _NUMBER.sub("#", text)).strip()


def not_printed(shown: str, printed: str) -> list[str]:
    """Lines of a page's output that the command did not print; `...` stands for anything."""
    real = gist(printed)
    parts = [part for line in shown.splitlines() for part in line.split("...")]
    return [part.strip() for part in parts if gist(part) and gist(part) not in real]
