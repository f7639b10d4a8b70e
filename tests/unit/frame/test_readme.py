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
from tests.support.page_blocks import blocks_of

REPO = Path(__file__).parents[3]
PAGES = sorted(
    [*REPO.glob("README*.md"), REPO / "CHANGELOG.md", *REPO.glob("docs/**/*.md"), *REPO.glob("examples/*/*.md")]
)

_INLINE = re.compile(r"`(nightpoll [^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_PRODUCER = "docker compose run --rm producer "


def page_ids(path: Path) -> str:
    return str(path.relative_to(REPO))


def command_lines(page: Path) -> Iterator[list[str]]:
    """Every whole `nightpoll ...` line of a page's shell blocks, as arguments."""
    for block in blocks_of(page):
        if block.language == "sh":
            for line in block.text.replace("Examples:", "").replace("  |  ", "\n").replace(" && ", "\n").splitlines():
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


def heading_levels(page: Path) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", _outside_blocks(page), re.MULTILINE)]


def _outside_blocks(page: Path) -> str:
    text = page.read_text("utf-8")
    for block in blocks_of(page):
        text = text.replace(block.text, "")
    return text


def code_of(page: Path) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """Language, words and lines of every block, without comments, which may be translated."""
    return [
        (block.language, block.words, [re.sub(r"(^|\s)\s*# .*", "", line).rstrip() for line in block.text.splitlines()])
        for block in blocks_of(page)
    ]


def test_chinese_readme_has_the_headings_code_tables_links_and_pictures_of_the_english_one() -> None:
    english, chinese = REPO / "README.md", REPO / "README.zh-CN.md"
    ours, theirs = _outside_blocks(english), _outside_blocks(chinese)

    assert heading_levels(chinese) == heading_levels(english)
    assert code_of(chinese) == code_of(english)
    assert theirs.count("\n| ") == ours.count("\n| ")
    assert set(_LINK.findall(theirs)) ^ set(_LINK.findall(ours)) == {"README.md", "README.zh-CN.md"}
    assert set(re.findall(r"NIGHTPOLL_\w+", theirs)) == set(re.findall(r"NIGHTPOLL_\w+", ours))


def test_pictures_are_small_and_name_no_path_of_the_machine_and_no_address() -> None:
    pictures = [path for path in (REPO / "docs/pictures").iterdir() if path.suffix in (".svg", ".png")]

    assert {path.name for path in pictures} == {"demo.svg", "status.svg", "report.png"}
    assert [path.name for path in pictures if path.stat().st_size > 150_000] == []
    for path in pictures:
        found = re.findall(rb"/(?:tmp|home|work|root)/|https?://(?!www\.w3\.org/)\S+", path.read_bytes())
        assert path.suffix == ".png" or found == [], path.name


def test_readme_runs_only_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", (REPO / "README.md").read_text("utf-8")))

    assert {"demo", "test", "check", "accept", "bench"} <= named <= targets


def test_resume_page_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+(?:, \d+)*) \| ", (REPO / "docs/howto/resume.md").read_text("utf-8"), re.MULTILINE)

    assert {int(code) for row in rows for code in row.split(", ")} == {int(code) for code in ExitCode}


def test_pages_name_only_settings_that_exist() -> None:
    known = {f"NIGHTPOLL_{name.upper()}" for name in Settings.model_fields}
    of_compose = re.findall(r"NIGHTPOLL_[A-Z_]+", (REPO / ".env.example").read_text("utf-8"))
    known |= {"NIGHTPOLL_DEBUG", *of_compose}

    named = {name for page in PAGES for name in re.findall(r"NIGHTPOLL_[A-Z_]+", page.read_text("utf-8"))}

    assert named <= known


def test_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    rooms = ("cli", "workers", "producer", "survey", "providers", "storage", "schemas", "evaluation", "finetuning")
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
