"""README and docs: commands parse, links lead somewhere, tables agree with the code."""

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from cli.main import app
from schemas.errors import ExitCode
from schemas.settings import Settings

REPO = Path(__file__).parents[3]
PAGES = sorted([REPO / "README.md", REPO / "CHANGELOG.md", *REPO.glob("docs/**/*.md"), *REPO.glob("examples/*/*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(nightpoll [^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_PRODUCER = "docker compose run --rm producer "


def page_ids(path: Path) -> str:
    return str(path.relative_to(REPO))


def command_lines(page: Path) -> Iterator[list[str]]:
    """Every whole `nightpoll ...` line of a page's shell blocks, as arguments."""
    for language, block in _FENCE.findall(page.read_text("utf-8")):
        if language == "sh":
            for line in block.replace("Examples:", "").replace("  |  ", "\n").splitlines():
                yield from _arguments(line.strip())


def _arguments(line: str) -> Iterator[list[str]]:
    words = shlex.split(line.replace(_PRODUCER, "nightpoll "), comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    if words and words[0] == "nightpoll":
        yield words[1:]


def parse(arguments: list[str]) -> None:
    """Parse as the command does, without running it."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    if arguments == ["--help"]:
        return
    name, command, rest = group.resolve_command(typer.Context(group), arguments)
    assert command is not None, name
    command.make_context(name, rest)


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_command_of_a_shell_block_parses(page: Path) -> None:
    for arguments in command_lines(page):
        try:
            parse(arguments)
        except typer.TyperException as error:
            pytest.fail(f"nightpoll {' '.join(arguments)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_command_in_a_sentence_exists_with_its_options(page: Path) -> None:
    for line in _INLINE.findall(page.read_text("utf-8")):
        try:
            parse(shlex.split(line)[1:])
        except typer.TyperException as error:
            if type(error).__name__ != "MissingParameter":  # a sentence may name a command alone
                pytest.fail(f"{line}: {error}")


def test_wrong_option_in_a_page_would_be_found() -> None:
    with pytest.raises(typer.TyperException):
        parse(["run", "study.yaml", "--pilots", "10"])


@pytest.mark.parametrize("page", PAGES, ids=page_ids)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = [link.split("#")[0] for link in _LINK.findall(page.read_text("utf-8")) if "://" not in link]

    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = {(REPO / "docs" / link).resolve() for link in _LINK.findall((REPO / "docs/index.md").read_text("utf-8"))}

    assert set(REPO.glob("docs/**/*.md")) - listed - {REPO / "docs/index.md"} == set()


def test_readme_runs_only_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", (REPO / "README.md").read_text("utf-8")))

    assert {"demo", "test", "check", "accept", "bench"} <= named <= targets


def test_readme_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+(?:, \d+)*) \| ", (REPO / "README.md").read_text("utf-8"), re.MULTILINE)

    assert {int(code) for row in rows for code in row.split(", ")} == {int(code) for code in ExitCode}


def test_pages_name_only_settings_that_exist() -> None:
    known = {f"NIGHTPOLL_{name.upper()}" for name in Settings.model_fields}
    known |= {"NIGHTPOLL_DEBUG", "NIGHTPOLL_STUDY_FOLDER", "NIGHTPOLL_RUNS_FOLDER"}

    named = {name for page in PAGES for name in re.findall(r"NIGHTPOLL_[A-Z_]+", page.read_text("utf-8"))}

    assert named <= known


def test_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    rooms = ("cli", "workers", "producer", "survey", "providers", "storage", "schemas", "evaluation")
    code = " ".join(path.read_text("utf-8") for room in rooms for path in (REPO / room).rglob("*.py"))
    rows = re.findall(r"^\|(.*?)\|", (REPO / "docs/troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    messages = [message for row in rows for message in re.findall(r"`([^`]+ [^`]+)`", row)]

    fragments = [part.strip(" .") for message in messages for part in re.split(r"NAME|'\S+'|\.\.\.|\bN\b", message)]

    assert len(messages) > 15
    assert [part for part in fragments if part not in code] == []


def constants_of(page: Path) -> Iterator[tuple[list[str], list[str], str]]:
    """Modules named above a table, constants of a row, and the cell with their values."""
    modules: list[str] = []
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("**"):
            modules = re.findall(r"`([\w/]+)\.py`", line)
        cells = [cell.strip() for cell in line.split("|")]
        names = re.findall(r"`([A-Z][A-Z_]+)`", cells[1]) if len(cells) > 3 else []
        if modules and names:
            yield [module.replace("/", ".") for module in modules], names, cells[2]


def test_constants_of_the_queue_page_are_those_of_the_code() -> None:
    checked = 0
    for modules, names, cell in constants_of(REPO / "docs/design/queue.md"):
        told = [float(n) / (1000 if unit == "ms" else 1) for n, unit in re.findall(r"([\d.]+) ?(ms|s\b)?", cell)]
        found = [importlib.import_module(m) for m in modules]
        real = [next(getattr(m, name) for m in found if hasattr(m, name)) for name in names]
        assert told == [float(value) for value in real], names
        checked += len(names)
    assert checked >= 16
