"""Every command block of README, tutorial and how-to pages does what the page says."""

import random
from collections import Counter
from pathlib import Path

import pytest

from schemas.models import ModelsFile
from schemas.yaml_source import read_yaml
from tests.support.page_blocks import Block, blocks_of, not_printed
from tests.support.page_scene import REPO, Scene, clone_like, play

pytestmark = pytest.mark.e2e

SOON = ("README.md", "docs/howto/own-survey.md")
"""Run with `make test`; the others with `make accept`."""
HOW_TO = ("azure", "costs", "overnight", "own-server", "resume")
LATER = ("docs/tutorial.md", *(f"docs/howto/{name}.md" for name in HOW_TO))
NEVER = ("docs/howto/cluster.md", "docs/cluster.md", "docs/operations/compose.md")
NEEDS_PEWS_FILE = ("docs/npors.md",)
PAGES = (*SOON, *LATER, *NEVER, *NEEDS_PEWS_FILE)

COUNTS = {
    "README.md": {"run": 5, "background": 1, "file": 1, "no-run": 1, "shown": 1},
    "docs/tutorial.md": {"run": 10, "background": 1, "output": 10},
    "docs/howto/azure.md": {"run": 1, "background": 1, "file": 1, "no-run": 1, "shown": 2},
    "docs/howto/cluster.md": {"no-run": 5},
    "docs/howto/costs.md": {"run": 3, "background": 1, "shown": 2},
    "docs/howto/overnight.md": {"run": 3, "background": 1, "file": 1},
    "docs/howto/own-server.md": {"run": 1, "background": 1, "file": 1, "no-run": 1},
    "docs/howto/own-survey.md": {"run": 3, "file": 2, "shown": 2},
    "docs/howto/resume.md": {"run": 1, "background": 1},
    "docs/cluster.md": {"no-run": 1},
    "docs/operations/compose.md": {"no-run": 1},
    "docs/npors.md": {"run": 6, "background": 1, "output": 5},
}
"""How many blocks of each kind a page has: a block that is run no longer is seen here."""

REASONS = {
    "README.md": ["the targets of development, this test among them"],
    "docs/howto/azure.md": ["Entra ID"],
    "docs/cluster.md": ["a bucket and another machine's queue"],
    "docs/operations/compose.md": ["Docker"],
    "docs/howto/own-server.md": ["vLLM, Ollama and llama.cpp"],
    "docs/howto/cluster.md": ["Docker", "another machine's queue and store", "the same", "a server in the foreground",
                              "a worker in the foreground; tests/e2e and tests/faults start it"],
}  # fmt: skip
"""Why blocks marked `no-run` are not run, in the order of the page. Their commands are parsed by test_readme.py."""

SHORTER = {
    "make demo": "nightpoll demo --respondents 40",
    "nightpoll run npors --run-id npors --yes": "nightpoll run npors --pilot 110 --run-id npors --yes",
}
"""What is run instead where time is scarce; `make accept` runs the pages as they stand, too."""


def write_survey(path: Path) -> None:
    """A survey of a reader's own: 200 people that no one interviewed."""
    draw = random.Random(7)
    lines = ["id,age,gender,region,education,weight,trust,satisfied"]
    for i in range(1, 201):
        person = f"{draw.randint(18, 89)},{draw.choice(['female', 'male'])},{draw.choice(['north', 'south'])}"
        lines.append(
            f"{i},{person},{draw.randint(1, 4)},{draw.uniform(0.5, 2):.3f},{draw.randint(1, 4)},{draw.randint(1, 5)}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def played(page: str, tmp_path: Path, *, shorter: bool = False) -> tuple[list[Block], Scene]:
    folder = tmp_path / "reader"
    folder.mkdir()
    if page == "README.md":
        clone_like(folder)
        write_survey(folder / "survey.csv")
    blocks = blocks_of(REPO / page)
    return blocks, play(blocks, folder, instead=SHORTER if shorter else None)


def check(blocks: list[Block], scene: Scene) -> None:
    """Every block ended as it should, and printed what the page shows."""
    assert scene.broken is None, f"line {scene.broken}:\n{scene.outputs.get(scene.broken or 0, '')[-3000:]}"
    before = ""
    for block in blocks:
        if block.kind == "run":
            before = scene.outputs[block.line]
        if block.kind == "output":
            assert not_printed(block.text, before) == [], f"line {block.line} shows what was not printed:\n{before}"


@pytest.mark.parametrize("page", SOON)
def test_page_does_what_it_says(page, tmp_path):
    check(*played(page, tmp_path, shorter=True))


@pytest.mark.accept
@pytest.mark.parametrize("page", ["README.md", *LATER])
def test_page_does_what_it_says_at_full_length(page, tmp_path):
    check(*played(page, tmp_path))


@pytest.mark.accept
@pytest.mark.parametrize("shorter", [True, False], ids=["pilot for the full run", "full run"])
def test_npors_page_does_what_it_says(npors_sav, tmp_path, shorter):
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "NPORS_2024_for_public_release.sav").symlink_to(npors_sav)
    blocks = blocks_of(REPO / "docs/npors.md")

    check(blocks, play(blocks, folder, instead=SHORTER if shorter else None))


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_each_kind_are_counted_and_left_out_ones_have_a_reason(page):
    counts = Counter(block.kind for block in blocks_of(REPO / page))
    print(page, dict(counts))

    assert dict(counts) == COUNTS[page]
    assert counts["no-run"] == len(REASONS.get(page, []))


ELSEWHERE = {
    "README.zh-CN.md": "the blocks of README.md: test_readme.py compares them",
    "docs/commands.md": "made from the command line itself",
    "docs/performance.md": "benchmarks of minutes to an hour on a machine of their own",
    "examples/npors2024/README.md": "the commands of docs/npors.md",
    "examples/reviews/README.md": "test_examples.py and test_check_examples.py of survey and producer take the study",
}


def test_every_page_with_commands_is_run_or_says_why_not():
    pages = [*REPO.glob("*.md"), *REPO.glob("docs/**/*.md"), *REPO.glob("examples/*/*.md")]
    kinds = {"run", "background", "no-run"}

    with_commands = {str(p.relative_to(REPO)) for p in pages if kinds & {block.kind for block in blocks_of(p)}}

    assert with_commands == {*PAGES, *ELSEWHERE}


@pytest.mark.parametrize("page", PAGES)
def test_models_that_a_page_shows_are_models(page):
    for block in blocks_of(REPO / page):
        if block.language == "yaml":
            document = read_yaml(block.text, page).data
            if "models" in document:
                ModelsFile.model_validate(document)
